"""The ports of a sandbox answer only its user."""

import importlib
import os
import shutil
import socket
import sys
import time
from collections.abc import Callable, Generator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from pulumi.runtime.proto import language_pb2, language_pb2_grpc, provider_pb2, provider_pb2_grpc
from support.pace import PATIENCE
from support.sandboxes.strangers import STRANGER, answers_to_a_stranger, by_root, trap

from llmplatform_sandbox import callers, guests
from llmplatform_sandbox.callers import OwnCallers, finder_of_this_system, guard, remembered
from llmplatform_sandbox.errors import SandboxError
from llmplatform_sandbox.hosting import open_clouds, serve_providers
from llmplatform_sandbox.language import serve_language
from llmplatform_sandbox.paths import SandboxPaths, ignore_from_git, sandbox_paths
from llmplatform_sandbox.project import Project, read_project

pytestmark = pytest.mark.sandbox


def project(folder: Path) -> Project:
    folder.mkdir(parents=True)
    (folder / "Pulumi.yaml").write_text("name: app\nruntime: python\n")
    (folder / "__main__.py").write_text("import os, sys\nprint(os.getcwd(), sys.path[0])\n")
    return read_project(folder)


@contextmanager
def provider_ports(folder: Path) -> Generator[dict[str, int]]:
    servers, ports = serve_providers(open_clouds(folder, None), None)
    try:
        yield ports
    finally:
        for server in servers:
            server.stop(grace=0)


@contextmanager
def language_port(*projects: Project, variables: Mapping[str, str] | None = None) -> Generator[int]:
    server, port = serve_language(lambda: projects, variables=variables)
    try:
        yield port
    finally:
        server.stop(grace=0)


def run(port: int, folder: Path) -> Any:
    info = language_pb2.ProgramInfo(program_directory=str(folder), entry_point=".")
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub = language_pb2_grpc.LanguageRuntimeStub(channel)
        return stub.Run(language_pb2.RunRequest(pwd=str(folder), info=info), timeout=PATIENCE)


@by_root
def test_every_port_of_the_providers_refuses_another_user_and_makes_no_account(tmp_path: Path) -> None:
    with provider_ports(tmp_path) as ports:
        answers = answers_to_a_stranger(dict.fromkeys(ports.values(), "provider"), tmp_path)
    assert len(answers) == 6 * len(ports)
    assert set(answers.values()) == {"PERMISSION_DENIED"}
    assert list(open_clouds(tmp_path, None)) == [], "a stranger's call makes no account"


@by_root
def test_the_language_host_runs_nothing_for_another_user(tmp_path: Path) -> None:
    evil = tmp_path / "evil"
    note = trap(evil)
    with language_port(project(tmp_path / "own")) as port:
        answers = answers_to_a_stranger({port: "language"}, evil)
    assert set(answers.values()) == {"PERMISSION_DENIED"}
    assert not note.exists(), "the stranger's code ran as the owner of the sandbox"


@by_root
@pytest.mark.parametrize("kind", ["provider", "language"])
def test_the_servers_that_the_sdk_makes_refuse_another_user(tmp_path: Path, kind: str) -> None:
    guard("pulumi.automation._stack")
    sdk: Any = importlib.import_module("pulumi.automation._stack")
    server: grpc.Server = sdk.grpc.server(ThreadPoolExecutor(2), options=[])
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(provider_pb2_grpc.ResourceProviderServicer(), server)
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(language_pb2_grpc.LanguageRuntimeServicer(), server)
    port = server.add_insecure_port(address="127.0.0.1:0")
    server.start()
    try:
        assert set(answers_to_a_stranger({port: kind}, tmp_path).values()) == {"PERMISSION_DENIED"}
    finally:
        server.stop(grace=0)


def test_the_ports_answer_their_own_user(tmp_path: Path) -> None:
    with provider_ports(tmp_path) as ports, grpc.insecure_channel(f"127.0.0.1:{ports['random']}") as channel:
        stub = provider_pb2_grpc.ResourceProviderStub(channel)
        assert stub.Handshake(provider_pb2.ProviderHandshakeRequest()).accept_secrets


def test_the_language_host_runs_the_sandboxs_own_programs_alone(tmp_path: Path) -> None:
    own, other = project(tmp_path / "own"), project(tmp_path / "other")
    note = trap(tmp_path / "evil")
    with language_port(own) as port:
        for folder in (other.folder, note.parent):
            assert run(port, folder).error == f"{folder}: not a program of this sandbox, whose own are {own.folder}"
    assert not note.exists()


def test_a_package_in_the_programs_folder_does_not_stand_in_for_the_hosts_own(tmp_path: Path) -> None:
    own = project(tmp_path / "own")
    note = tmp_path / "ran"
    (own.folder / "llmplatform_sandbox").mkdir()
    (own.folder / "llmplatform_sandbox" / "__init__.py").write_text(f"open({str(note)!r}, 'w')\n")
    with language_port(own) as port:
        run(port, own.folder)
    assert not note.exists(), "python -m looks into the folder that it starts in, unless it is told not to"


def test_the_library_of_the_program_may_lack_what_todays_sandbox_imports(tmp_path: Path) -> None:
    own = project(tmp_path / "own")
    (tmp_path / "old" / "llmplatform").mkdir(parents=True)
    (tmp_path / "old" / "llmplatform" / "__init__.py").touch()
    with language_port(own, variables={"PYTHONPATH": str(tmp_path / "old")}) as port:
        said = run(port, own.folder).error
    assert "process ended" not in said, "a revision of the library is compared with by today's sandbox"


def test_what_a_program_said_last_tells_why_its_process_ended(tmp_path: Path) -> None:
    own = project(tmp_path / "own")
    (tmp_path / "old" / "pulumi").mkdir(parents=True)
    (tmp_path / "old" / "pulumi" / "__init__.py").write_text("raise ImportError('cannot import name A')\n")
    with language_port(own, variables={"PYTHONPATH": str(tmp_path / "old")}) as port:
        said = run(port, own.folder).error
    assert said == "the program's process ended with status 1: ImportError: cannot import name A"


def test_a_sandbox_runs_the_programs_of_its_project_and_of_its_guests(tmp_path: Path) -> None:
    host, guest = project(tmp_path / "host"), project(tmp_path / "guest")
    paths = sandbox_paths(host.folder, "dev")
    paths.create()
    assert guests.projects_in(paths) == [host]
    there = SandboxPaths(paths.folder, guest="app.models")
    there.create()
    ignore_from_git(guest.folder)
    guests.settle_in(guest, "models", there)
    assert guests.projects_in(paths) == [host, guest]
    shutil.rmtree(guest.folder)
    assert guests.projects_in(paths) == [host], "a folder that is gone has no program"


@contextmanager
def connection(*, user: int | None = None) -> Generator[tuple[int, int]]:
    """Both ports of a connection on loopback; `user`: who opens it."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        if user is not None:
            os.seteuid(user)
        try:
            client = socket.create_connection(server.getsockname())
        finally:
            if user is not None:
                os.seteuid(0)
        with closing(client):
            yield client.getsockname()[1], server.getsockname()[1]


FINDERS = [
    pytest.param(callers.opened_by_us, marks=pytest.mark.skipif(sys.platform != "linux", reason="of Linux")),
    pytest.param(callers.held_by_us, marks=pytest.mark.skipif(not shutil.which("lsof"), reason="lsof is not there")),
]


@pytest.mark.parametrize("finder", FINDERS)
def test_a_connection_is_ours_by_both_of_its_ends(finder: Callable[[int, int], bool]) -> None:
    with connection() as (source, target), connection() as (_, elsewhere):
        assert finder(source, target)
        assert not finder(source, elsewhere), "the same port may lead to several servers, from several users"
    assert not finder(source, target), "it is closed"


@pytest.mark.skipif(sys.platform != "linux", reason="of Linux")
def test_a_connection_of_an_ipv6_socket_is_ours_too() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as server, closing(socket.socket(socket.AF_INET6)) as client:
        client.connect(("::ffff:127.0.0.1", server.getsockname()[1]))
        assert callers.opened_by_us(client.getsockname()[1], server.getsockname()[1])


@by_root
def test_a_connection_that_another_user_opened_is_not_ours() -> None:
    with connection(user=STRANGER) as (source, target):
        assert not callers.opened_by_us(source, target)


def test_a_connection_that_is_ours_is_looked_for_once_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    now, asked = [0.0], list[int]()

    def find(source: int, _: int) -> bool:
        asked.append(source)
        return source == 1

    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    ours = remembered(find)
    assert [ours(1, 9), ours(1, 9), ours(2, 9), ours(2, 9)] == [True, True, False, False]
    assert asked == [1, 2, 2], "what is refused is not remembered"
    now[0] = 1.0
    assert ours(1, 9)
    assert asked == [1, 2, 2, 1]


def test_where_the_system_tells_nothing_no_port_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(SandboxError, match="lsof: not on PATH; install it"):
        OwnCallers()


def test_where_linux_does_not_answer_lsof_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_source: int, _target: int) -> bool:
        raise PermissionError

    monkeypatch.setattr(callers, "opened_by_us", refuse)
    (tmp_path / "lsof").touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert finder_of_this_system() is not refuse
