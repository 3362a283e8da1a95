"""Stack files at random, from the settings' own JSON schema: mostly right, each value in itself.

`make fuzz FILES=5000` counts what becomes of them: none may raise, none may take longer than two
seconds (on a slow machine: than `support.pace` says), and a rule that fails is a mistake of ours.
"""

import argparse
import json
import random
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from llmplatform.checks import check
from llmplatform.checks.rules import OUR_MISTAKE
from llmplatform.specs import schema
from support import pace
from support.stack_mutations import KEYS, ODD, PLAUSIBLE, STACKS, document, places

LINE = re.compile(r"[^\n]*\S: [^\n]*\S; [^\n]*\S")
_SCHEMA: Mapping[str, Any] = json.loads(schema.text())
_NUMBERS = (0, 1, 2, 3, 4, 8, 16, 64, 200, 4096, 65535, 2**31, -1, 0.5, 1e-9, 1e308, float("inf"), float("nan"))


def _seen() -> dict[str, list[Any]]:
    """Values of the committed stack files by the last key of their path."""
    found: dict[str, list[Any]] = {}
    for stack in STACKS:
        whole = document(stack)
        for path in places(whole):
            value: Any = whole
            for step in path:
                value = value[step]
            found.setdefault(next(str(step) for step in reversed(path) if isinstance(step, str)), []).append(value)
    return found


_SEEN = _seen()


class Source:
    """One file after another, the same for a seed."""

    def __init__(self, seed: int, oddness: float = 0.04) -> None:
        self.random = random.Random(seed)  # noqa: S311 (no secret)
        self.oddness = oddness

    def file(self) -> tuple[str, bytes]:
        """A stack's name and the content of its file."""
        stack = self.random.choice(STACKS)
        config = self.random.choice(_SCHEMA["properties"]["config"]["allOf"])["then"]
        found: dict[str, Any] = document(stack) if self.random.random() < 0.7 else {"config": {}}
        keys = list(config["properties"])
        for key in self.random.sample(keys, self.random.randint(1, 3) if found["config"] else len(keys)):
            found["config"][key] = self.value(config["properties"][key], key.rpartition(":")[2])
        # Aliases are no use to readers of the report.
        return stack, yaml.dump(json.loads(json.dumps(found)), Dumper=yaml.CSafeDumper, allow_unicode=True).encode()

    def value(self, node: Mapping[str, Any], key: str, depth: int = 0) -> Any:
        """A value for a place of the schema, mostly of its kind."""
        if self.random.random() < self.oddness or depth > 12:
            return self.random.choice(ODD)
        if "$ref" in node:
            return self.value(_SCHEMA["$defs"][node["$ref"].rpartition("/")[2]], key, depth + 1)
        for union in ("anyOf", "oneOf"):
            if union in node:
                return self.value(self.random.choice(node[union]), key, depth + 1)
        if "const" in node:
            return node["const"]
        if "enum" in node:
            return self.random.choice(node["enum"])
        kind = node.get("type")
        if kind == "object":
            return self._object(node, key, depth)
        if kind == "array":
            return [
                self.value(node.get("items", {}), key, depth + 1) for _ in range(self.random.choice((0, 1, 1, 2, 3)))
            ]
        if kind in ("integer", "number"):
            return self._number(node, whole=kind == "integer")
        if kind == "boolean":
            return self.random.random() < 0.5
        if kind == "null":
            return None
        alike = [value for value in _SEEN.get(key, ()) if isinstance(value, str)]
        return self.random.choice(alike if alike and self.random.random() < 0.8 else PLAUSIBLE)

    def _object(self, node: Mapping[str, Any], key: str, depth: int) -> dict[str, Any]:
        required = set(node.get("required", ()))
        found = {
            name: self.value(each, name, depth + 1)
            for name, each in node.get("properties", {}).items()
            if (name in required and self.random.random() > self.oddness) or self.random.random() < 0.35
        }
        for each in node.get("patternProperties", {}).values():
            names = [name for value in _SEEN.get(key, ()) if isinstance(value, dict) for name in value] or KEYS
            for name in self.random.sample(names, min(len(names), self.random.choice((0, 1, 1, 2)))):
                found[str(name)] = self.value(each, str(name), depth + 1)
        return found

    def _number(self, node: Mapping[str, Any], *, whole: bool) -> Any:
        least, most = node.get("minimum", 0), min(node.get("maximum", 10**6), 10**6)
        if self.random.random() < 0.15:
            return self.random.choice(_NUMBERS)
        number = self.random.choice((least, most, least + (most - least) * self.random.random() ** 4))
        return int(number) if whole else number


def judged(seed: int, files: int, folder: Path) -> Iterator[tuple[str, bytes, str]]:
    """What became of each file (`refused`, `accepted`), or what is wrong with how it was told."""
    source = Source(seed)
    for _ in range(files):
        stack, content = source.file()
        path = folder / f"Pulumi.{stack}.yaml"
        path.write_bytes(content)
        started = time.process_time()
        try:
            checked = check(path)
        except Exception as error:
            yield stack, content, f"raises {type(error).__name__}"
            continue
        lines = [*map(str, checked.problems), *map(str, checked.warnings)]
        if pace.slow(time.process_time() - started):
            yield stack, content, "takes longer than two seconds"
        elif any(OUR_MISTAKE in line for line in lines):
            yield stack, content, f"a rule fails: {next(line for line in lines if OUR_MISTAKE in line)}"
        elif any(not LINE.fullmatch(line) or not line.isprintable() or len(line) > 900 for line in lines):
            yield stack, content, "is told in a line that is none"
        elif len(set(lines)) != len(lines):
            yield stack, content, "is told twice"
        elif checked.stack is None and not checked.problems:
            yield stack, content, "is refused without a word"
        else:
            yield stack, content, "accepted" if checked.stack else "refused"


RIGHT = ("accepted", "refused")


def main() -> int:
    """Count, and keep the faulty files."""
    parser = argparse.ArgumentParser(description="Judge stack files at random.")
    parser.add_argument("--files", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--keep", type=Path, default=None, help="folder for the faulty files")
    options = parser.parse_args()
    counts: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        for number, (stack, content, became) in enumerate(judged(options.seed, options.files, Path(folder))):
            counts[became] += 1
            if became not in RIGHT and options.keep:
                options.keep.mkdir(parents=True, exist_ok=True)
                (options.keep / f"{number}-Pulumi.{stack}.yaml").write_bytes(content)
    for became, count in counts.most_common():
        print(f"{count:6} {became}")
    print(f"seed {options.seed}")
    return 0 if all(became in RIGHT for became in counts) else 1


if __name__ == "__main__":
    sys.exit(main())
