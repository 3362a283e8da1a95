"""Stacks of any number of models, made from a committed stack file."""

from copy import deepcopy
from math import ceil
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parent.parent
STACK = "dev"
"""The stack that is measured: everything that a first platform has, around the models."""


def settings(models: int) -> dict[str, Any]:
    """The stack file with that many models, each like the one that is in it, and room for them."""
    content: dict[str, Any] = yaml.safe_load((ROOT / f"Pulumi.{STACK}.yaml").read_text())
    config = content["config"]
    [(name, model)] = config["llmplatform:models"].items()
    config["llmplatform:models"] = {f"{name}-{number:04}": deepcopy(model) for number in range(models)}
    pool = config["llmplatform:pools"][model["pool"]]
    # Machines of eight GPUs: EKS takes 450 nodes in a group at most.
    pool["instance_types"], pool["max"] = ["g5.48xlarge"], max(pool["max"], ceil(models / 8))
    return content


def write_project(folder: Path, program: Path, models: int, extra: dict[str, str]) -> None:
    """A Pulumi project whose program is in another folder. `extra` is configuration of the program beside ours."""
    project = yaml.safe_load((ROOT / "Pulumi.yaml").read_text()) | {"main": str(program)}
    (folder / "Pulumi.yaml").write_text(yaml.safe_dump(project, sort_keys=False))
    content = settings(models)
    content["config"] |= extra
    (folder / f"Pulumi.{STACK}.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
