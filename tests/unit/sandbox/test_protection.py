"""What `sandbox down` changes in its copy of a stack file before it deletes a protected stack."""

from pathlib import Path
from typing import Any

import yaml
from support.program import stack_config

from llmplatform_sandbox import protection
from llmplatform_sandbox.stack_settings import setting


def _lifted(folder: Path, config: dict[str, Any]) -> dict[str, Any]:
    file = folder / "Pulumi.x.yaml"
    file.write_text(yaml.safe_dump({"config": config}))
    assert protection.lift(file)
    return yaml.safe_load(file.read_text())["config"]


def test_autoscaled_pools_of_ack_are_emptied_before_they_are_deleted_and_the_others_stay(tmp_path: Path) -> None:
    config = _lifted(tmp_path, stack_config("prod-ack"))
    assert config["llmplatform:environment"]["protection"] == "none"
    assert {name: pool["min"] for name, pool in config["llmplatform:pools"].items()} == {
        "system": 3,
        "services": 3,
        "gpu-small": 0,
        "gpu-large": 0,
    }


def test_a_value_behind_a_tab_is_read_as_the_settings_are(tmp_path: Path) -> None:
    file = tmp_path / "Pulumi.x.yaml"
    # YAML 1.2, 6.1: white space between tokens may be a tab; PyYAML's own parser refuses it, libyaml's does not.
    file.write_text("config:\n  llmplatform:environment:\n    protection:\tfull\n")
    assert setting(file, "environment", "protection") == "full"
    assert protection.lift(file)


def test_pools_of_a_cloud_that_deletes_them_as_they_are_stay_as_they_are(tmp_path: Path) -> None:
    before = stack_config("prod")
    assert _lifted(tmp_path, before)["llmplatform:pools"] == before["llmplatform:pools"]
