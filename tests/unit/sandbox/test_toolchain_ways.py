"""Which tools are taken from PATH, and what the table of releases holds."""

import re
import sys
from pathlib import Path

import pytest

from llmplatform_sandbox import toolchain
from llmplatform_sandbox.controllers.table import CONTROLLERS
from llmplatform_sandbox.errors import SandboxError
from llmplatform_sandbox.toolchain import ETCD, KUBERNETES, KWOK, PULUMI, downloads, path, releases
from llmplatform_sandbox.toolchain.finding import WAY
from llmplatform_sandbox.toolchain.path import on_path

TOOLS = (PULUMI, KUBERNETES, ETCD, KWOK)


def test_a_stall_is_ten_seconds() -> None:
    assert downloads.STALLED == 10


def test_without_a_mirror_the_official_addresses_are_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    address = "https://dl.k8s.io/release/v1/kubectl"
    monkeypatch.delenv(releases.MIRROR, raising=False)
    assert releases.mirrored(address) == address
    monkeypatch.setenv(releases.MIRROR, "https://mirror.example/tools/")
    assert releases.mirrored(address) == "https://mirror.example/tools/dl.k8s.io/release/v1/kubectl"


def say(folder: Path, binary: str, text: str) -> None:
    (folder / binary).write_text(f"#!/bin/sh\necho '{text}'\n")
    (folder / binary).chmod(0o755)


_MINOR = KUBERNETES.version.rpartition(".")[0]


@pytest.mark.parametrize(
    ("texts", "version"),
    [
        ([f"Kubernetes {KUBERNETES.version}"] * 3, KUBERNETES.version),
        ([f"Kubernetes {_MINOR}.99-eks-1"] * 3, f"{_MINOR}.99"),
        ([f"Kubernetes {_MINOR}.0"] * 3, None),
        (["Kubernetes v1.99.0"] * 3, None),
        ([f"Kubernetes {_MINOR}.99", f"Kubernetes {_MINOR}.98", f"Kubernetes {_MINOR}.99"], None),
        ([f"Kubernetes {_MINOR}.99"] * 2, None),
        (["flag provided but not defined"] * 3, None),
    ],
    ids=["the same", "a later patch", "an earlier patch", "another minor", "two versions", "one is missing", "none"],
)
def test_servers_on_path_are_taken_when_they_are_of_one_version_and_our_minor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, texts: list[str], version: str | None
) -> None:
    for binary, text in zip(KUBERNETES.binaries, texts, strict=False):
        say(tmp_path, binary, text)
    monkeypatch.setenv("PATH", str(tmp_path))
    answer = on_path(KUBERNETES)
    assert (answer and answer[1]) == version


def test_what_etcd_and_kwok_say_of_themselves_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    say(tmp_path, "etcd", f"etcd Version: {ETCD.version.removeprefix('v')}\nGit SHA: a061450\nGo Version: go1.24.7")
    say(tmp_path, "kwok", f"kwok version {KWOK.version} go1.25.1 (linux/amd64)")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv(WAY, raising=False)
    there = toolchain.ensure([ETCD, KWOK], cache=tmp_path / "cache")
    assert there.versions == {"etcd": ETCD.version, "kwok": KWOK.version}
    assert there["etcd"] == tmp_path / "etcd"
    assert not (tmp_path / "cache").exists()


def test_a_binary_that_does_not_run_or_does_not_end_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(path, "_ANSWERS_WITHIN", 0.2)
    (tmp_path / "etcd").write_bytes(b"\x7fELF of another machine\0")
    (tmp_path / "etcd").chmod(0o755)
    assert on_path(ETCD) is None, "the kernel refuses it with ENOEXEC"
    (tmp_path / "etcd").write_text("#!/bin/sh\nexec sleep 600\n")
    assert on_path(ETCD) is None


def test_what_is_not_taken_from_path_has_no_release_either() -> None:
    for tool in (*TOOLS, *(each.tool for each in CONTROLLERS)):
        assert (tool.recent is None) == (tool.name not in releases.rows()), "it is built whatever way is asked for"


def test_another_way_is_refused_with_the_ways_that_there_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(WAY, "docker")
    with pytest.raises(SandboxError, match="LLMPLATFORM_TOOLS=docker: write path, download or build, or unset it"):
        toolchain.ensure([ETCD], cache=tmp_path)


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
@pytest.mark.parametrize("architecture", ["x86_64", "aarch64"])
def test_every_file_of_a_release_has_a_checksum_that_is_pinned_or_published(
    monkeypatch: pytest.MonkeyPatch, tool: toolchain.Tool, architecture: str
) -> None:
    monkeypatch.setattr("platform.machine", lambda: architecture)
    release = releases.release_of(tool)
    assert release
    assert sorted(binary for asset in release.assets for binary in asset.members) == sorted(tool.binaries)
    for asset in release.assets:
        assert "{" not in asset.url + asset.checksums
        assert asset.url.startswith("https://")
        assert asset.checksums.startswith("https://") != bool(re.fullmatch("[0-9a-f]{64}", asset.sha256))
    row = releases.rows()[tool.name]
    assert row.get("pinned", tool.version) == tool.version, "pins hold for one version: read them anew"
    assert ("sha256" in row) == ("read_in" in row) == ("pinned" in row), "a pin says where it was read"


def test_the_platforms_without_releases_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert releases.release_of(KUBERNETES) is None, "Kubernetes releases no servers for macOS"
