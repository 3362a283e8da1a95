"""The JSON schema of stack files, generated from the models, so that an editor completes and checks them.

`python -m llmplatform.specs.schema` writes stack.schema.json beside this module; with `--check` it only checks whether
it is stale.
"""

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from llmplatform.specs.stack import NAMESPACE, STACKS

TARGET = Path(__file__).with_name("stack.schema.json")


def schema() -> dict[str, Any]:
    """The schema of a whole stack file: our sections below `config:`, and Pulumi's own keys."""
    by_cloud = {provider: _plain(model.model_json_schema()) for provider, model in STACKS.items()}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Stack file of llmplatform",
        "type": "object",
        "required": ["config"],
        "additionalProperties": False,
        "properties": {
            "config": {
                "type": "object",
                "required": [f"{NAMESPACE}cloud"],
                "properties": {
                    f"{NAMESPACE}cloud": {"required": ["provider"], "properties": {"provider": {"enum": [*STACKS]}}}
                },
                "allOf": [{"if": _names(provider), "then": _config(stack)} for provider, stack in by_cloud.items()],
            },
            "encryptionsalt": {"type": "string"},
            "encryptedkey": {"type": "string"},
            "secretsprovider": {"type": "string"},
            "environment": {},
        },
        "$defs": {name: model for stack in by_cloud.values() for name, model in stack["$defs"].items()},
    }


def _names(provider: str) -> dict[str, Any]:
    """Definitions for the settings of one cloud."""
    cloud = {"type": "object", "required": ["provider"], "properties": {"provider": {"const": provider}}}
    return {"type": "object", "required": [f"{NAMESPACE}cloud"], "properties": {f"{NAMESPACE}cloud": cloud}}


def _config(stack: Mapping[str, Any]) -> dict[str, Any]:
    """The schema of `config:` for one cloud."""
    return {
        "description": stack["description"],
        "required": [f"{NAMESPACE}{name}" for name in stack["required"]],
        "additionalProperties": False,
        "properties": {f"{NAMESPACE}{name}": section for name, section in stack["properties"].items()},
        # Keys of providers and of Pulumi are theirs to check.
        "patternProperties": {f"^(?!{NAMESPACE})[^:]+:": {}},
    }


def _plain(node: Any, key: str = "") -> Any:
    """The schema without generated titles, which repeat the keys, and with one-line descriptions."""
    if isinstance(node, Mapping):
        named = key in ("properties", "$defs")
        entries = cast(Mapping[str, Any], node)
        # Without it, a key that breaks the pattern would be accepted.
        closed = {} if named or "patternProperties" not in entries else {"additionalProperties": False}
        return closed | {
            name: _plain(value, name)
            for name, value in entries.items()
            if named or name != "title" or not isinstance(value, str)
        }
    if isinstance(node, list):
        return [_plain(value) for value in cast(list[Any], node)]
    return " ".join(node.split()) if key == "description" and isinstance(node, str) else node


def text() -> str:
    """The schema file's content."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def main() -> int:
    """Writes the schema, or with --check compares it."""
    parser = argparse.ArgumentParser(
        prog="python -m llmplatform.specs.schema", description="Write the JSON schema of stack files."
    )
    parser.add_argument("--check", action="store_true", help="write nothing; fail when the file is stale")
    options = parser.parse_args()
    fresh = TARGET.exists() and TARGET.read_text(encoding="utf-8") == text()
    if options.check:
        if not fresh:
            print(f"{TARGET.name}: stale; run python -m llmplatform.specs.schema", file=sys.stderr)
        return 0 if fresh else 1
    TARGET.write_text(text(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
