"""Runs the committed program over a stack file on the recording engine, as `pulumi preview` or `pulumi up` would."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from llmplatform import testing
from llmplatform.catalog.versions import NO_ARCHIVES
from llmplatform.testing import RecordingEngine

ROOT = Path(__file__).parents[2]
STACKS = sorted(path.name.split(".")[1] for path in ROOT.glob("Pulumi.*.yaml"))
"""Every committed stack."""


def stack_config(stack: str) -> dict[str, Any]:
    """The `config:` of a committed stack file."""
    return yaml.safe_load((ROOT / f"Pulumi.{stack}.yaml").read_text())["config"]


def run_program(
    config: Mapping[str, Any],
    stack: str,
    *,
    preview: bool = False,
    main: Path = ROOT / "infra",
    project: str = "llmplatform",
    archives: bool = False,
    encrypted: bool = True,
    may_warn: bool = False,
    engine: RecordingEngine | None = None,
) -> RecordingEngine:
    """Everything that the program registers for a configuration. Values that are `{secure: …}` come as plain text.

    `main`: folder of the program; without it, the platform's. `archives`: whether charts' archives are wanted.
    `encrypted`: whether the stack file has its secrets encrypted. `may_warn`: whether a user is meant to be warned.
    `engine`: one that answers otherwise than clouds usually do.
    """
    return testing.run_program(
        main,
        stack,
        config=config,
        project=project,
        secret=["llmplatform:secrets"] if encrypted else [],
        environment={} if archives else {NO_ARCHIVES: "tests"},
        preview=preview,
        may_warn=may_warn,
        engine=engine,
    )


@cache
def committed(stack: str, *, preview: bool = False) -> RecordingEngine:
    """What a committed stack registers: run once for all tests of a process, which look and change nothing."""
    return run_program(stack_config(stack), stack, preview=preview)
