"""A stack file that is wrong never reaches the engine: no process, no folder, no object."""

from pathlib import Path

import pytest
import yaml
from support.program import ROOT
from typer.testing import CliRunner

from llmplatform_sandbox.commands import app
from llmplatform_sandbox.diff.markdown import marker


@pytest.mark.parametrize("command", ["up", "preview"])
def test_every_mistake_is_told_at_once_and_nothing_is_created(tmp_path: Path, command: str) -> None:
    (tmp_path / "Pulumi.yaml").write_text((ROOT / "Pulumi.yaml").read_text())
    document = yaml.safe_load((ROOT / "Pulumi.dev.yaml").read_text())
    document["config"]["llmplatform:cloud"]["regoin"] = document["config"]["llmplatform:cloud"].pop("region")
    document["config"]["llmplatform:pools"]["gpu"]["max"] = -1
    (tmp_path / "Pulumi.dev.yaml").write_text(yaml.safe_dump(document))
    result = CliRunner().invoke(app, [command, "dev", "--project", str(tmp_path)])
    assert result.exit_code == 2
    assert "did you mean 'region'" in result.stderr
    assert "pools.gpu.max" in result.stderr
    assert "Traceback" not in result.output
    assert sorted(path.name for path in tmp_path.iterdir()) == ["Pulumi.dev.yaml", "Pulumi.yaml"]


@pytest.mark.parametrize(
    "content", [b"", b"- a\n", b"config: 3\n", b"config: [\n", b"\xff\xfe\x00", b"konfig: {}\n", b"config: {1: {}}\n"]
)
def test_a_file_that_holds_no_settings_is_refused_without_a_traceback(tmp_path: Path, content: bytes) -> None:
    for name in ("Pulumi.yaml", "Pulumi.prod.yaml"):
        (tmp_path / name).write_text((ROOT / name).read_text())
    (tmp_path / "Pulumi.dev.yaml").write_bytes(content)
    result = CliRunner().invoke(app, ["up", "dev", "--project", str(tmp_path)])
    assert result.exit_code == 2
    assert result.stderr.count("\n") >= 1
    assert "; " in result.stderr
    assert "Traceback" not in result.output
    assert not (tmp_path / ".sandbox").exists(), "nothing is created"


def test_a_comment_for_a_pull_request_gives_the_mistakes_too(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text((ROOT / "Pulumi.yaml").read_text())
    (tmp_path / "Pulumi.dev.yaml").write_text("config:\n  llmplatform:clowd: {}\n")
    result = CliRunner().invoke(app, ["diff", "dev", "--against", "HEAD", "--markdown", "--project", str(tmp_path)])
    assert result.exit_code == 2
    assert result.stdout.splitlines()[0] == marker("dev"), (
        "else the comment of an earlier push stays as if it were true"
    )
    assert "did you mean 'cloud'" in result.stderr
    assert set(result.stderr.splitlines()) <= set(result.stdout.splitlines())
