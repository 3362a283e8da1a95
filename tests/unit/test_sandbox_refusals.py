"""A stack file that is wrong never reaches the engine: no process, no folder, no object."""

from pathlib import Path

import pytest
import yaml
from program import ROOT
from typer.testing import CliRunner

from llmplatform_sandbox.commands import app


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
