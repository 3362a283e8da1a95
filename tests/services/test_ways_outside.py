"""The hydration through a proxy that opens connections, with a private authority."""

import os
import socket
import socketserver
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from urllib.parse import urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from support.hydration.hubs import FakeHub, served
from support.pace import PATIENCE

from llmplatform.planning.outside import OutsidePlan
from llmplatform.serving.hydration.faults import REFUSED_CODE

HUB = "hub.example.org"
"""A name without a DNS record: only the proxy knows the way."""
FILES = {"config.json": b"{}", "model.safetensors": Random(3).randbytes(1 << 20)}  # noqa: S311
TARGET = "huggingface/acme/tiny/main"


def authority(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """A file with an authority's certificate, and what a server shows that it has signed."""
    now, (root, leaf) = datetime.now(UTC), (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))

    def named(name: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])

    def builder(name: str, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        made = x509.CertificateBuilder().subject_name(named(name)).issuer_name(named("Own authority"))
        made = made.public_key(key.public_key()).serial_number(x509.random_serial_number())
        return made.not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(hours=1))

    top = builder("Own authority", root).add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
    top = top.add_extension(usage, critical=True)
    top = top.add_extension(x509.SubjectKeyIdentifier.from_public_key(root.public_key()), critical=False)
    shown = builder(HUB, leaf).add_extension(x509.SubjectAlternativeName([x509.DNSName(HUB)]), critical=False)
    above = x509.AuthorityKeyIdentifier.from_issuer_public_key(root.public_key())
    shown = shown.add_extension(above, critical=False)
    pem = serialization.Encoding.PEM
    (folder / "authority.pem").write_bytes(top.sign(root, hashes.SHA256()).public_bytes(pem))
    private = leaf.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "leaf.pem").write_bytes(shown.sign(root, hashes.SHA256()).public_bytes(pem) + private)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "leaf.pem")
    return folder / "authority.pem", context


class _Proxy(socketserver.StreamRequestHandler):
    """Takes CONNECT, shows a certificate of its own for the requested host, and asks the hub in clear text."""

    context: ssl.SSLContext
    hub: FakeHub
    asked: list[str]
    status: int

    def handle(self) -> None:
        first = self.rfile.readline().decode()
        while self.rfile.readline().strip():
            pass
        self.asked.append(first.split(" ")[1])
        self.wfile.write(f"HTTP/1.1 {self.status} as told\r\n\r\n".encode())
        if self.status != 200:
            return
        try:
            inside = self.context.wrap_socket(self.connection, server_side=True)
        except ssl.SSLError:  # The other side does not trust what it is shown.
            return
        place = urlsplit(self.hub.address)
        with inside, socket.create_connection((place.hostname or "", place.port or 0)) as hub:
            request = b""
            while b"\r\n\r\n" not in request:
                request += inside.recv(1 << 16)
            hub.sendall(request)
            while piece := hub.recv(1 << 16):
                inside.sendall(piece)


@contextmanager
def proxied(hub: FakeHub, context: ssl.SSLContext, status: int = 200) -> Iterator[tuple[str, list[str]]]:
    """Address of a proxy, and what it was asked for."""
    asked: list[str] = []
    handler = type("Handler", (_Proxy,), {"context": context, "hub": hub, "asked": asked, "status": status})
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
        server.shutdown()


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with served(FakeHub(FILES)) as running:
        yield running


def hydrate(program: Path, volume: Path, variables: dict[str, str], *words: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "llmplatform.serving.hydration", "--hub", "huggingface", "--source", "acme/tiny"]
    command += ["--endpoint", f"https://{HUB}", "--revision", "main", "--root", str(volume), "--target", TARGET]
    clean = {"PATH": os.environ["PATH"], "PYTHONPATH": str(program), "PYTHONDONTWRITEBYTECODE": "1", **variables}
    ended = subprocess.run([*command, *words], env=clean, capture_output=True, text=True, timeout=PATIENCE, check=False)
    return ended.returncode, ended.stdout + ended.stderr


def test_weights_come_through_a_proxy_that_opens_connections(program: Path, tmp_path: Path, hub: FakeHub) -> None:
    certificates, context = authority(tmp_path)
    with proxied(hub, context) as (address, asked):
        way = OutsidePlan(proxy=address, no_proxy=("127.0.0.1",), certificates=certificates.read_text())
        code, said = hydrate(program, tmp_path / "volume", way.variables, "--certificates", str(certificates))
    assert code == 0, said
    assert (tmp_path / "volume" / TARGET / "model.safetensors").read_bytes() == FILES["model.safetensors"]
    assert set(asked) == {f"{HUB}:443"}, "where large files lie the proxy is not asked: it is an exception"


@pytest.mark.parametrize(("exceptions", "asked_for"), [("127.0.0.0/8", 0), ("10.20.0.0/16", 1)])
def test_a_mirror_with_an_address_in_a_range_that_is_an_exception_is_asked_itself(
    exceptions: str, asked_for: int, program: Path, tmp_path: Path, hub: FakeHub
) -> None:
    """Go, golang.org/x/net/http/httpproxy, `Config.NoProxy`: addresses, and ranges of them, beside names."""
    _, context = authority(tmp_path)
    with proxied(hub, context, status=403) as (address, asked):
        way = OutsidePlan(proxy=address, no_proxy=(".svc", exceptions))
        code, said = hydrate(program, tmp_path / "volume", way.variables, "--endpoint", hub.address)
    assert (code == 0, len(asked)) == (not asked_for, asked_for), said


def test_an_authority_outside_of_the_settings_is_refused_at_once(program: Path, tmp_path: Path, hub: FakeHub) -> None:
    _, context = authority(tmp_path)
    with proxied(hub, context) as (address, _):
        code, said = hydrate(program, tmp_path / "volume", OutsidePlan(proxy=address).variables)
    assert code == REFUSED_CODE
    assert f"refused: {HUB}: its certificate is not trusted" in said


@pytest.mark.parametrize("status", [403, 407])
def test_a_proxy_that_turns_us_away_is_told_at_once(status: int, program: Path, tmp_path: Path, hub: FakeHub) -> None:
    _, context = authority(tmp_path)
    with proxied(hub, context, status) as (address, _):
        code, said = hydrate(program, tmp_path / "volume", OutsidePlan(proxy=address).variables)
    assert code == REFUSED_CODE
    assert f"refused: {HUB}: the proxy does not let it through: Tunnel connection failed: {status}" in said


def test_a_file_without_certificates_is_named(program: Path, tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_text("nothing\n")
    code, said = hydrate(program, tmp_path / "volume", {}, "--certificates", str(tmp_path / "empty.pem"))
    assert code == REFUSED_CODE
    assert f"refused: {tmp_path}/empty.pem: " in said
