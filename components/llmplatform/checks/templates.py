"""Chat templates in files beside a stack file: their text takes the place of their path before settings are checked."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

from llmplatform.checks.problems import Problem

_TEXT, _FILE = "chat_template", "chat_template_file"
_LARGEST = 1 << 20
"""Bytes to read of a file: longer templates are refused by their own rule."""


def filled(raw: Mapping[str, Any], folder: Path | None) -> Iterator[Problem]:
    """Write the text of each template's file into plain settings, in place; yields what is wrong with the files.

    `folder`: of the stack file. None: it is not known.
    """
    models = raw.get("models")
    for name, model in cast(Mapping[str, Any], models).items() if isinstance(models, Mapping) else ():
        engine = cast(Mapping[str, Any], model).get("engine") if isinstance(model, Mapping) else None
        if isinstance(engine, dict) and isinstance(engine.get(_FILE), str):
            yield from _filled(f"models.{name}.engine.{_FILE}", cast(dict[str, Any], engine), folder)


def _filled(path: str, engine: dict[str, Any], folder: Path | None) -> Iterator[Problem]:
    named = engine[_FILE]
    if _TEXT in engine:
        yield Problem(path, f"it stands beside {_TEXT}", "remove one of them")
        return
    if folder is None:
        yield Problem(path, "the folder of the settings is not known here", f"write the text into {_TEXT}")
        return
    file = folder / named
    if Path(named).is_absolute() or ".." in Path(named).parts:
        return  # Refused by its form.
    try:
        if not file.resolve().is_relative_to(folder.resolve()):
            yield Problem(path, f"'{named}' is outside the folder of the stack file", "copy the template into it")
            return
        with file.open("rb") as found:
            engine[_TEXT] = found.read(_LARGEST).decode()
    except UnicodeDecodeError:
        yield Problem(path, f"'{named}' is not text", "save it as UTF-8")
    except OSError as error:
        fault = (
            f"there is no file '{named}'" if isinstance(error, FileNotFoundError) else f"'{named}': {error.strerror}"
        )
        yield Problem(path, fault, "write its path from the folder of the stack file")
