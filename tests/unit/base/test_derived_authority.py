"""An authority that follows from a text: always the same, and good for certificates of servers."""

import subprocess
from pathlib import Path

from llmplatform.base.derived_authority import authority

TEXT = "k" * 64
CONFIGURATION = "[v3]\nsubjectAltName=DNS:mlflow-rw.cnpg.svc\nextendedKeyUsage=serverAuth\n"


def openssl(*arguments: str | Path) -> str:
    return subprocess.run(["openssl", *arguments], capture_output=True, text=True, check=True).stdout


def test_one_text_is_one_authority_and_another_text_or_name_is_another() -> None:
    first = authority(TEXT, "mlflow")
    assert first == authority(TEXT, "mlflow"), "each run registers it anew"
    assert len({first.key, authority("l" * 64, "mlflow").key, authority(TEXT, "other").key}) == 3


def test_its_key_is_in_the_form_that_the_operator_reads() -> None:
    """cloudnative-pg v1.30.0, pkg/certs/certs.go, ParseECPrivateKey."""
    assert authority(TEXT, "mlflow").key.startswith("-----BEGIN EC PRIVATE KEY-----")


def test_openssl_signs_with_it_and_verifies_by_it(tmp_path: Path) -> None:
    made = authority(TEXT, "mlflow")
    (tmp_path / "ca.crt").write_text(made.certificate)
    (tmp_path / "ca.key").write_text(made.key)
    (tmp_path / "v3").write_text(CONFIGURATION)
    name = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=mlflow-rw"]
    openssl("req", *name, "-keyout", tmp_path / "tls.key", "-out", tmp_path / "tls.csr")
    signing = ["-CA", tmp_path / "ca.crt", "-CAkey", tmp_path / "ca.key", "-extfile", tmp_path / "v3"]
    signed = ["-extensions", "v3", "-days", "90", "-out", tmp_path / "tls.crt"]
    openssl("x509", "-req", "-in", tmp_path / "tls.csr", *signing, *signed)
    verified = ["verify", "-x509_strict", "-purpose", "sslserver", "-verify_hostname", "mlflow-rw.cnpg.svc"]
    assert openssl(*verified, "-CAfile", tmp_path / "ca.crt", tmp_path / "tls.crt").strip().endswith("OK")
    shown = openssl("x509", "-in", tmp_path / "ca.crt", "-noout", "-text")
    assert "CA:TRUE, pathlen:0" in shown
    assert "Certificate Sign, CRL Sign" in shown
