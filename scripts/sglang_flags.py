"""Write down what SGLang's command line accepts and which metrics it exposes, from its wheel, without importing it.

    pip download --no-deps --dest wheels sglang==0.5.23
    python scripts/sglang_flags.py wheels/sglang-0.5.23-*.whl

The wheel is read, never run: its flags are the annotated fields of the classes below `srt/arg_groups/fields`, and a few
plain calls. The list is like that of scripts/engine_flags.py.
"""

import ast
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

from flag_lists import require, write

FIELDS = "sglang/srt/arg_groups/fields/"
CALLS = "sglang/srt/server_args.py"
METRICS = ("sglang/srt/observability/metrics_collector.py", "sglang/srt/observability/http_request_metrics.py")
METRIC_CLASSES = {"Gauge", "Counter", "Histogram", "Summary"}
NAMES = {
    "tool-parser": ("sglang/srt/function_call/parser_names.py", "TOOL_CALL_PARSER_NAMES"),
    "reasoning-parser": ("sglang/srt/parser/reasoning_parser_names.py", "REASONING_PARSER_NAMES"),
    "quantization": ("sglang/srt/arg_groups/choices.py", "QUANTIZATION_CHOICES"),
}
KINDS = {"bool": "switch", "int": "whole", "float": "number"}
FEWEST_FLAGS = 200
"""Fewer mean that the parser is built in another way."""


def fields(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Flags of the annotated fields `name: A[type, Arg(…)]` or `A[type, "help"]`, and what their values are."""
    for cls in ast.walk(tree):
        for field in cls.body if isinstance(cls, ast.ClassDef) else ():
            if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
                yield from flags_of(field.target.id, field.annotation)


def flags_of(name: str, annotation: ast.expr) -> Iterator[tuple[str, str]]:
    """Flags of one field."""
    if not (isinstance(annotation, ast.Subscript) and ast.unparse(annotation.value) == "A"):
        return
    kind, *marks = annotation.slice.elts if isinstance(annotation.slice, ast.Tuple) else [annotation.slice]
    call = next((mark for mark in marks if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "Arg"), None)
    said = {word.arg: word.value for word in call.keywords} if call else {}
    if "no_cli" in said or not marks:
        return
    called = str(ast.literal_eval(said["cli_name"])) if "cli_name" in said else f"--{name.replace('_', '-')}"
    for flag in (called, *(ast.literal_eval(said["aliases"]) if "aliases" in said else ())):
        yield flag, kind_of(ast.unparse(kind), said)


def kind_of(annotation: str, said: dict[str | None, ast.expr]) -> str:
    """What the value of a flag is; empty where it is not plain."""
    plain = KINDS.get(annotation.removeprefix("Optional[").removesuffix("]").removesuffix(" | None"), "")
    if "type_parser" in said:
        return "readable" if ast.unparse(said["type_parser"]) == "human_readable_int" else ""
    return "" if {"action", "nargs", "choices"} & {*said} else plain


def calls(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Flags of plain `add_argument` calls."""
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "add_argument":
            action = next((ast.unparse(word.value) for word in call.keywords if word.arg == "action"), "")
            for word in call.args:
                if isinstance(word, ast.Constant) and str(word.value).startswith("--"):
                    yield str(word.value), "switch" if "true" in action.lower() else ""


def metrics(tree: ast.Module) -> Iterator[str]:
    """Names of the metrics that a module makes, as Prometheus reads them."""
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in METRIC_CLASSES:
            for word in call.keywords:
                if word.arg == "name" and isinstance(word.value, ast.Constant):
                    name = str(word.value.value)
                    yield f"{name.removesuffix('_total')}_total" if call.func.id == "Counter" else name


def names(tree: ast.Module, variable: str) -> list[str]:
    """The words of a list of a module."""
    for statement in tree.body:
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == variable:
            return sorted(ast.literal_eval(statement.value))
    raise SystemExit(f"no {variable} found; adapt this script")


def read(wheel: Path) -> tuple[str, list[str]]:
    """Version of the wheel, and the lines of the list."""
    _, version, *_ = wheel.name.split("-")
    with zipfile.ZipFile(wheel) as archive:

        def parse(path: str) -> ast.Module:
            return ast.parse(archive.read(path))

        modules = [path for path in archive.namelist() if path.startswith(FIELDS) and path.endswith(".py")]
        flags = dict([*calls(parse(CALLS)), *(found for path in modules for found in fields(parse(path)))])
        require([*flags], FEWEST_FLAGS, "flags", wheel.name)
        lines = [f"{flag} {kind}".rstrip() for flag, kind in sorted(flags.items())]
        lines += [f"{kind} {name}" for kind, (path, found) in NAMES.items() for name in names(parse(path), found)]
        exposed = sorted({name for path in METRICS for name in metrics(parse(path))})
        require(exposed, 1, "metrics", wheel.name)
        return version, [*lines, *(f"metric {name}" for name in exposed)]


def main(wheel: Path) -> None:
    """Write the list of one wheel."""
    version, lines = read(wheel)
    write("sglang", version, "scripts/sglang_flags.py from the wheel on PyPI", lines)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
