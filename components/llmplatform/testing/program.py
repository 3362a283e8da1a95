"""Runs a whole Pulumi program on the recording engine, as `pulumi preview` or `pulumi up` would run it."""

import json
import os
import runpy
import sys
from collections.abc import Awaitable, Callable, Collection, Generator, Mapping
from contextlib import chdir, contextmanager
from pathlib import Path
from typing import Any, cast
from unittest.mock import patch

import pulumi
import yaml
from pulumi.runtime import set_all_config

from llmplatform.testing.engine import RecordingEngine


def run_program(
    folder: Path | str,
    stack: str = "dev",
    *,
    config: Mapping[str, Any] | None = None,
    project: str | None = None,
    secret: Collection[str] = (),
    environment: Mapping[str, str] | None = None,
    preview: bool = False,
    may_warn: bool = False,
    engine: RecordingEngine | None = None,
) -> RecordingEngine:
    """Run the program in a folder and return the engine that recorded it; `result` holds the stack's outputs by name.

    The program runs in this process, in its own folder, with its own modules loaded anew by each run.

    Args:
        folder: Where `__main__.py` is, or a `Pulumi.yaml` whose `main` says where it is.
        stack: Name of the stack.
        config: What a stack file has under `config`; by default that of `Pulumi.<stack>.yaml`. A key without a
            namespace gets the project's. A value `{"secure": text}` is a secret, which the program reads as
            `decrypted <text>`.
        project: Name of the project; by default that of `Pulumi.yaml`, or else the folder's.
        secret: Further keys of `config` whose values are secrets.
        environment: Environment variables for this run alone.
        preview: Run as a preview does: what the cloud computes is unknown.
        may_warn: Whether the program may log a warning; without it, a warning is an error.
        engine: An engine with answers of its own. Its project, stack, `preview` and `may_warn` stand.

    Raises:
        AssertionError: A lookup, a URN that two resources have, or a warning: see `RecordingEngine`.
        Exception: What the program raises.
    """
    folder = Path(folder).resolve()
    settings = _mapping(folder / "Pulumi.yaml")
    name = project or str(settings.get("name", folder.name))
    values = _mapping(folder / f"Pulumi.{stack}.yaml").get("config", {}) if config is None else config
    named = {key if ":" in key else f"{name}:{key}": value for key, value in values.items()}
    secrets = {*secret, *(key for key, value in named.items() if _is_secret(value))}
    main = (folder / settings.get("main", "")).resolve()

    async def program() -> dict[str, Any]:
        set_all_config({key: _text(value) for key, value in named.items()}, [key for key in named if key in secrets])
        outputs: dict[str, Any] = {}
        entries: list[Callable[[], Awaitable[Mapping[str, Any] | None]]] = []
        # The mocks have no stack, and `pulumi.run` and `pulumi.export` are methods of it in disguise.
        with (
            _imports_from(main),
            chdir(main),
            patch.dict(os.environ, environment or {}),
            patch.object(pulumi, "run", entries.append),
            patch.object(pulumi, "export", outputs.__setitem__),
        ):
            runpy.run_path(str(main / "__main__.py"), run_name="__main__")
            for entry in entries:
                outputs.update(await entry() or {})
        return outputs

    engine = engine or RecordingEngine(project=name, stack=stack, preview=preview, may_warn=may_warn)
    return engine.run(program)


@contextmanager
def _imports_from(folder: Path) -> Generator[None]:
    """A program's own modules are loaded anew by each run, as by a new process."""
    before = set(sys.modules)
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))
        for name in set(sys.modules) - before:
            if str(getattr(sys.modules[name], "__file__", "")).startswith(f"{folder}{os.sep}"):
                del sys.modules[name]


def _mapping(file: Path) -> dict[str, Any]:
    return yaml.safe_load(file.read_text(encoding="utf-8")) if file.exists() else {}


def _text(value: Any) -> str:
    plain = _decrypted(value)
    return plain if isinstance(plain, str) else json.dumps(plain)


def _is_secret(value: Any) -> bool:
    if isinstance(value, dict):
        mapping = cast(dict[str, Any], value)
        return set(mapping) == {"secure"} or any(map(_is_secret, mapping.values()))
    return isinstance(value, list) and any(map(_is_secret, cast(list[Any], value)))


def _decrypted(value: Any) -> Any:
    if isinstance(value, dict):
        mapping = cast(dict[str, Any], value)
        if set(mapping) == {"secure"}:
            return f"decrypted {mapping['secure']}"
        return {key: _decrypted(each) for key, each in mapping.items()}
    return [_decrypted(each) for each in cast(list[Any], value)] if isinstance(value, list) else value
