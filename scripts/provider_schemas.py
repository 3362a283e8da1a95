"""Writes the tables of tests/support/provider_schemas: properties whose change replaces, from the providers' sources.

    .venv/bin/python scripts/provider_schemas.py aws --index FOLDER
    .venv/bin/python scripts/provider_schemas.py alicloud --source FOLDER

`--source`: a checkout of the Terraform provider. `--index`: a checkout of lonegunmanb/terraform-provider-aws-index,
which holds every function of terraform-provider-aws in a file of its own; the provider itself is a gigabyte. Each row
of the sandbox's facts cites the file and the symbol that are read.
"""

import argparse
import json
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from llmplatform_sandbox.citations import ProviderSymbol
from llmplatform_sandbox.cloud import schema
from llmplatform_sandbox.cloud.facts import load

OUTPUT = Path(__file__).parents[1] / "tests" / "support" / "provider_schemas"
PROVIDERS = {"aws": "hashicorp/terraform-provider-aws", "alicloud": "aliyun/terraform-provider-alicloud"}
_ENTRY = re.compile(r'(?:"(?P<plain>\w+)"|names\.Attr(?P<constant>\w+)|(?P<other>\w+)):\s*')
_REPLACES = re.compile(r"\bForceNew:\s*true|\bRequiresReplace\(\)")
_SOMETIMES = re.compile(
    r'(?:ForceNewIf(?:Change)?|\.ForceNew)\(\s*(?:"(?P<plain>[\w.]+)"|names\.Attr(?P<constant>\w+))'
    r"|RequiresReplaceIf\w*\("
)
_MAPS = re.compile(r"map\[string\](?:\*schema\.Schema|schema\.(?:Attribute|Block))\{")


@dataclass
class Found:
    """What a schema says of its properties, as paths of Terraform's names."""

    always: set[str] = field(default_factory=set[str])
    sometimes: set[str] = field(default_factory=set[str])


def snake(constant: str) -> str:
    """`cluster_name` of `ClusterName`, as the provider's package `names` calls it."""
    words = re.sub(r"([a-z0-9])([A-Z])|([A-Z]+)([A-Z][a-z])", r"\1\3_\2\4", constant.replace("VPCID", "VpcId"))
    return words.lower().replace("i_pv", "ipv")


def balanced(text: str, start: int) -> int:
    """The index behind the brace that closes the one at `start`. Strings, runes and comments do not count."""
    depth, at = 0, start
    skip = re.compile(r'"(?:\\.|[^"\\])*"|`[^`]*`|//[^\n]*|/\*.*?\*/|\'(?:\\.|[^\'\\])\'', re.DOTALL)
    while at < len(text):
        if (match := skip.match(text, at)) is not None:
            at = match.end()
            continue
        depth += (text[at] in "{([") - (text[at] in "})]")
        at += 1
        if depth == 0:
            return at
    raise ValueError("a brace is not closed")


def entries(text: str, start: int) -> Iterator[tuple[str, str]]:
    """(name, body) of each entry of the map literal whose brace is at `start`."""
    end = balanced(text, start) - 1
    at = start + 1
    while (match := re.compile(r"(?:\s|,|//[^\n]*|/\*.*?\*/)*", re.DOTALL).match(text, at)) and match.end() < end:
        at = match.end()
        key = _ENTRY.match(text, at)
        if key is None:
            raise ValueError(f"no entry of a schema: {text[at : at + 60]!r}")
        begin = at = key.end()
        while at < end and text[at] not in ",\n":
            at = balanced(text, at) if text[at] in "{([" else at + 1
        # A constant of the file itself: its first word says whose property it is.
        own = re.sub("^[a-z]+", "", key["other"] or "")
        yield key["plain"] or snake(key["constant"] or own), text[begin:at]


def outside_of_maps(body: str) -> str:
    """A property's body without the schemas within it."""
    while (match := _MAPS.search(body)) is not None:
        body = body[: match.start()] + body[balanced(body, match.end() - 1) :]
    return body


def read_map(text: str, start: int, at: str, found: Found) -> None:
    """Note the properties of a schema, and of those within it."""
    for name, body in entries(text, start):
        path = f"{at}.{name}" if at else name
        own = outside_of_maps(body)
        if _REPLACES.search(own):
            found.always.add(path)
        elif "RequiresReplaceIf" in own:
            found.sometimes.add(path)
        for inner in outermost_maps(body):
            read_map(body, inner, path, found)


def outermost_maps(text: str) -> Iterator[int]:
    """Where the braces of the schemas of a text are that are in no other one."""
    at = 0
    while (match := _MAPS.search(text, at)) is not None:
        yield match.end() - 1
        at = balanced(text, match.end() - 1)


def replacing(symbol: str, function: Callable[[str], str]) -> Found:
    """What replaces, of a resource whose schema a symbol returns. `function`: the source of a symbol."""
    text, found = function(symbol), Found()
    for start in outermost_maps(text):
        read_map(text, start, "", found)
    texts = [text, *(function(name) for name in re.findall(r"CustomizeDiff:\s+(\w+),", text))]
    for match in (match for each in texts for match in _SOMETIMES.finditer(each)):
        if match["plain"] or match["constant"]:
            found.sometimes.add(match["plain"] or snake(match["constant"]))
    found.sometimes -= found.always
    return found


def wire(type_: str, path: str) -> str:
    """`vpcConfig.subnetIds` of `vpc_config.subnet_ids`; empty where the SDK has no such input."""
    fields: Mapping[str, schema.Property] = schema.resource(type_).inputs
    steps: list[str] = []
    for step in re.sub(r"\.\d+(?=\.|$)", "", path).split("."):
        head, *rest = step.split("_")
        camel = head + "".join(word.capitalize() for word in rest)
        names = (camel, f"{camel}s", f"{camel}es", f"{camel[:-1]}ies", camel.removesuffix("s"))
        name = next((name for name in names if name in fields), None)
        if name is None:
            return ""
        shape, lists = fields[name].shape, ""
        while shape.kind in ("list", "map") and shape.item:
            lists += "[]" if shape.kind == "list" and shape.item.kind == "object" else ""
            shape = shape.item
        fields = shape.fields
        steps.append(name + lists)
    return ".".join(steps).removesuffix("[]")


def main() -> None:
    """Read one cloud's provider, and write its table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cloud", choices=sorted(PROVIDERS))
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--source", type=Path)
    where.add_argument("--index", type=Path)
    given = parser.parse_args()
    folder: Path = given.source or given.index
    read = _of_index if given.index else _of_source
    types: dict[str, Any] = {}
    for type_, facts in sorted(load(given.cloud).types.items()):
        cited = next((each for each in facts.cites if isinstance(each, ProviderSymbol)), None)
        if cited is None or not facts.registered:
            continue
        found = replacing(cited.symbol, lambda name, cited=cited: read(folder, cited.file, name))
        types[type_] = {
            "symbol": f"{cited.file}#{cited.symbol}",
            "always": _wired(type_, found.always),
            "sometimes": _wired(type_, found.sometimes),
        }
    table = {"provider": PROVIDERS[given.cloud], "version": _said(folder, "describe", "--tags", "--always"),
             "revision": _said(folder, "rev-parse", "HEAD"), "read_from": folder.name if given.index else "source",
             "types": types}  # fmt: skip
    OUTPUT.mkdir(exist_ok=True)
    (OUTPUT / f"{given.cloud}.json").write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")


def _wired(type_: str, paths: set[str]) -> list[str]:
    return sorted({name for path in paths if (name := wire(type_, path))})


def _of_index(folder: Path, file: str, name: str) -> str:
    below = folder / "index" / Path(file).parent
    kind = "method" if "." in name else "func"
    return (below / f"{kind}.{name}.goindex").read_text(encoding="utf-8")


def _of_source(folder: Path, file: str, name: str) -> str:
    text = (folder / file).read_text(encoding="utf-8")
    match = re.search(rf"^func (?:\(\w+ \*?\w+\) )?{name}\(", text, re.MULTILINE)
    if match is None:
        raise ValueError(f"{file} has no function {name}")
    return text[match.start() : balanced(text, text.index("{\n", match.end()))]


def _said(folder: Path, *arguments: str) -> str:
    return subprocess.run(["git", "-C", folder, *arguments], check=True, capture_output=True, text=True).stdout.strip()


if __name__ == "__main__":
    main()
