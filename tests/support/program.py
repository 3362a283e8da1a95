"""Runs the committed program over a stack file on the fake engine, as `pulumi preview` or `pulumi up` would."""

import json
import os
import runpy
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pulumi
import yaml
from pulumi.runtime import set_all_config

from llmplatform.catalog.versions import NO_ARCHIVES
from support.engine import RecordingEngine

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
    """Everything that a program registers for a configuration. Values that are `{secure: …}` come as plain text.

    `main`: folder of the program; without it, the platform's. `archives`: whether charts' archives are wanted.
    `encrypted`: whether the stack file has its secrets encrypted. `may_warn`: whether a user is meant to be warned.
    `engine`: one that answers otherwise than clouds usually do.
    """
    values = {key: value if isinstance(value, str) else json.dumps(_decrypted(value)) for key, value in config.items()}

    def program() -> Any:
        # The mocks have no stack, of which `pulumi.run` is a method in disguise.
        entries: list[Callable[[], Any]] = []
        set_all_config(values, [key for key in values if encrypted and key == "llmplatform:secrets"])
        folder = str(main)
        before = set(sys.modules)
        sys.path.insert(0, folder)
        try:
            without = {} if archives else {NO_ARCHIVES: "tests"}
            with patch.object(pulumi, "run", entries.append), patch.dict(os.environ, without):
                runpy.run_path(f"{folder}/__main__.py", run_name="__main__")
        finally:
            sys.path.remove(folder)
            # The program's own modules are loaded anew by each run, as a new process would.
            for name in set(sys.modules) - before:
                if str(getattr(sys.modules[name], "__file__", "")).startswith(folder):
                    del sys.modules[name]
        return [entry() for entry in entries]

    engine = engine or RecordingEngine(project=project, stack=stack, preview=preview, may_warn=may_warn)
    return engine.run(program)


def _decrypted(value: Any) -> Any:
    if isinstance(value, dict):
        if set(value) == {"secure"}:
            return f"decrypted {value['secure']}"
        return {key: _decrypted(each) for key, each in value.items()}
    return value
