"""Tools from PATH and from their official releases, with sites on loopback and a `go` that pretends."""

import re
import stat
import sys
from collections.abc import Generator
from pathlib import Path

import pytest
from support.release_sites import TOOLS, ReleaseSites, served

from llmplatform_sandbox import toolchain
from llmplatform_sandbox.errors import SandboxError
from llmplatform_sandbox.progress import Event, Output, ToolWork
from llmplatform_sandbox.toolchain import ETCD, KUBERNETES, KWOK, PULUMI, downloads, releases
from llmplatform_sandbox.toolchain.finding import WAY
from llmplatform_sandbox.toolchain.go import minimum

BINARIES = {binary: f"released {binary}\n".encode() * 100_000 for tool in TOOLS for binary in tool.binaries}
GO = f"""#!{sys.executable}
import pathlib, re, sys
if sys.argv[1:3] == ["env", "GOVERSION"]:
    print("go{".".join(map(str, minimum(TOOLS)))}")
    sys.exit()
output = pathlib.Path(sys.argv[sys.argv.index("-o") + 1])
for package in sys.argv[sys.argv.index("-o") + 2:]:
    name = pathlib.Path.cwd().name if package == "." else re.sub(r"/v\\d+$", "", package).rpartition("/")[2]
    (output / name).write_text("built")
    (output / name).chmod(0o755)
"""
FILES = [
    f"pulumi-{PULUMI.version}-linux-x64.tar.gz",
    *KUBERNETES.binaries,
    f"etcd-{ETCD.version}-linux-amd64.tar.gz",
    "kwok-linux-amd64",
]


@pytest.fixture
def sites(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[ReleaseSites]:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/go").write_text(GO)
    (tmp_path / "bin/go").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.delenv(WAY, raising=False)
    with served(BINARIES, monkeypatch) as played:
        yield played


def found(cache: Path) -> tuple[dict[str, str], list[str]]:
    """How each binary came, and the lines that were said."""
    events: list[Event] = []
    there = toolchain.ensure(TOOLS, cache=cache, report=events.append)
    ways = {
        binary: "released" if path.read_bytes() == BINARIES[binary] else path.read_text()
        for binary, path in there.binaries.items()
    }
    return ways, [event.text for event in events if isinstance(event, Output)]


def test_tools_that_are_missing_come_from_their_releases_and_the_second_time_from_the_cache(
    sites: ReleaseSites, tmp_path: Path
) -> None:
    ways, lines = found(tmp_path / "cache")
    assert (set(ways.values()), lines) == ({"released"}, [])
    assert {path.rpartition("/")[2] for path, _ in sites.asked} >= {*FILES, "kube-scheduler.sha256"}
    assert not any("SHA256SUMS" in path for path, _ in sites.asked), "a pin needs no checksum file"
    sites.asked.clear()
    assert found(tmp_path / "cache") == (ways, [])
    assert not sites.asked
    kept = sorted(path.name for path in (tmp_path / "cache").iterdir())
    assert kept == [".lock", *sorted(releases.release_of(tool).folder_name for tool in TOOLS)]  # pyright: ignore[reportOptionalMemberAccess]


def test_downloaded_binaries_can_be_run_and_nothing_else_of_an_archive_is_kept(
    sites: ReleaseSites, tmp_path: Path
) -> None:
    there = toolchain.ensure(TOOLS, cache=tmp_path / "cache")
    assert sites.asked
    for binary in there.binaries.values():
        assert stat.S_IMODE(binary.stat().st_mode) & 0o111 == 0o111
    assert [path.name for path in there["pulumi"].parent.iterdir()] == ["pulumi"], "without its language hosts"


@pytest.mark.parametrize("file", FILES)
def test_a_file_with_one_byte_that_is_another_is_refused_and_its_tool_is_built(
    sites: ReleaseSites, tmp_path: Path, file: str
) -> None:
    sites.flipped.add(sites.path_of(file))
    ways, (line,) = found(tmp_path / "cache")
    tool = next(tool for tool in TOOLS if file.startswith((tool.name, *tool.binaries)))
    assert {binary for binary, way in ways.items() if way == "built"} == set(tool.binaries)
    assert re.fullmatch(
        rf"{tool.name} {tool.version}: {file} has SHA-256 [0-9a-f]{{64}}, and not [0-9a-f]{{64}}; it was deleted; "
        "it is built instead",
        line,
    )
    assert not (tmp_path / "cache/.download").exists(), "nothing of it is left to go on with"


def test_a_checksum_file_without_the_file_is_no_checksum(sites: ReleaseSites, tmp_path: Path) -> None:
    sums = sites.path_of(f"pulumi-{PULUMI.version.removeprefix('v')}-checksums.txt")
    sites.files[sums] = sites.files[sums].splitlines(keepends=True)[0]
    ways, (line,) = found(tmp_path / "cache")
    assert ways["pulumi"] == "built"
    assert f"has no SHA-256 of pulumi-{PULUMI.version}-linux-x64.tar.gz" in line


def test_an_archive_without_the_binary_is_refused(sites: ReleaseSites, tmp_path: Path) -> None:
    old = sites.path_of(f"etcd-{ETCD.version}-linux-amd64.tar.gz")
    rows = releases.rows()
    rows["etcd"]["sha256"]["amd64"] = sites.pins()["kwok"]
    sites.files[old] = BINARIES["kwok"]
    ways, (line,) = found(tmp_path / "cache")
    assert ways["etcd"] == "built"
    assert f"is no archive that holds etcd-{ETCD.version}-linux-amd64/etcd" in line


def test_a_site_that_cannot_be_reached_costs_one_line_a_tool(
    sites: ReleaseSites, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(releases.MIRROR, "http://127.0.0.1:1/mirror")
    ways, lines = found(tmp_path / "cache")
    assert (set(ways.values()), len(lines)) == ({"built"}, len(TOOLS))
    assert "127.0.0.1:1 cannot be reached" in lines[0]
    assert not sites.asked


def test_a_release_that_is_not_there_is_built(sites: ReleaseSites, tmp_path: Path) -> None:
    del sites.files[sites.path_of("kwok-linux-amd64")]
    ways, (line,) = found(tmp_path / "cache")
    assert ways == {**dict.fromkeys(BINARIES, "released"), "kwok": "built"}
    assert re.search(
        r"kwok v\S+: 127\.0\.0\.1:\d+ answered 404 for /github\.com/.*/kwok-linux-amd64; it is built", line
    )


@pytest.mark.parametrize("fault", ["silent", "slow"])
def test_a_download_that_stalls_or_trickles_is_built_instead(
    sites: ReleaseSites, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    monkeypatch.setattr(downloads, "STALLED", 0.4)
    getattr(sites, fault).add(sites.path_of("kube-scheduler"))
    ways, (line,) = found(tmp_path / "cache")
    assert ways["kube-apiserver"] == ways["kube-scheduler"] == "built", "one tool comes in one way"
    assert re.search(r"127\.0\.0\.1:\d+ did not answer for 0 s, or too slowly; it is built instead", line)


def test_a_connection_that_breaks_off_goes_on_where_it_was(sites: ReleaseSites, tmp_path: Path) -> None:
    sites.broken |= {sites.path_of("kube-apiserver"), sites.path_of("kwok-linux-amd64")}
    ways, lines = found(tmp_path / "cache")
    assert (set(ways.values()), lines) == ({"released"}, [])
    assert [ranged for path, ranged in sites.asked if path.endswith("kube-apiserver")] == [
        "",
        f"bytes={len(BINARIES['kube-apiserver']) // 2}-",
    ]


def test_a_run_after_a_killed_one_goes_on_with_what_came(sites: ReleaseSites, tmp_path: Path) -> None:
    release = releases.release_of(KWOK)
    assert release
    part = tmp_path / "cache/.download" / release.folder_name / "kwok-linux-amd64"
    part.parent.mkdir(parents=True)
    part.write_bytes(BINARIES["kwok"][:1000])
    whole = part.with_name("out") / "half-unpacked"
    whole.parent.mkdir()
    whole.touch()
    there = toolchain.ensure([KWOK], cache=tmp_path / "cache")["kwok"]
    assert there.read_bytes() == BINARIES["kwok"]
    assert [path.name for path in there.parent.iterdir()] == ["kwok"]
    assert sites.asked[0][1] == "bytes=1000-"


def test_proxies_of_the_environment_are_asked(
    sites: ReleaseSites, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(releases.MIRROR, "http://tools.example")
    monkeypatch.setenv("http_proxy", sites.address)
    assert toolchain.ensure([KWOK], cache=tmp_path / "cache")["kwok"].read_bytes() == BINARIES["kwok"]


def test_a_forced_build_asks_no_site_and_takes_no_download(
    sites: ReleaseSites, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found(tmp_path / "cache")
    sites.asked.clear()
    monkeypatch.setenv(WAY, "build")
    ways, _ = found(tmp_path / "cache")
    assert (set(ways.values()), sites.asked) == ({"built"}, [])


def test_a_forced_download_that_is_refused_ends_with_a_sentence(
    sites: ReleaseSites, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(WAY, "download")
    sites.flipped.add(sites.path_of("kube-scheduler"))
    with pytest.raises(SandboxError, match=r"(?s)kubernetes v.*has SHA-256.*=download forbids to build it"):
        toolchain.ensure(TOOLS, cache=tmp_path / "cache")
    sites.flipped.clear()
    sites.asked.clear()
    ways, _ = found(tmp_path / "cache")
    assert set(ways.values()) == {"released"}
    assert not any(path.endswith("/kwok-linux-amd64") for path, _ in sites.asked), "what came before stays"
    assert "bytes=" in dict(sites.asked)[sites.path_of("kube-apiserver")], "a whole file is not fetched again"


def test_a_tool_that_has_no_release_is_built_and_a_forced_download_says_so(
    sites: ReleaseSites, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform.machine", lambda: "riscv64")
    ways, lines = found(tmp_path / "cache")
    assert (set(ways.values()), lines, sites.asked) == ({"built"}, [], [])
    monkeypatch.setenv(WAY, "download")
    with pytest.raises(SandboxError, match=r"etcd v.*: no release for this machine"):
        toolchain.ensure([ETCD], cache=tmp_path / "cache")


def test_forced_to_path_a_tool_that_is_not_there_is_named(
    sites: ReleaseSites, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(WAY, "path")
    with pytest.raises(SandboxError) as refused:
        toolchain.ensure(TOOLS, cache=tmp_path / "cache")
    lines = str(refused.value).splitlines()
    assert len(lines) == len(TOOLS)
    assert "PATH has no kube-apiserver, kube-controller-manager, kube-scheduler of 1." in lines[1]
    assert not sites.asked


def test_every_download_is_told_with_what_came_of_it(sites: ReleaseSites, tmp_path: Path) -> None:
    events: list[Event] = []
    toolchain.ensure([KWOK], cache=tmp_path / "cache", report=events.append)
    assert sites.asked
    first, last = (event for event in (events[0], events[-1]) if isinstance(event, ToolWork))
    assert (first.doing, first.received, first.done) == ("download", 0, False)
    assert (last.doing, last.received, last.done) == ("download", len(BINARIES["kwok"]), True)
