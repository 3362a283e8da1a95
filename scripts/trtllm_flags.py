"""Write down what TensorRT-LLM's server accepts and exposes, from its Python sources, without importing them.

    python scripts/trtllm_flags.py 1.2.1 TENSORRT_LLM "a copy of its sources at 1.3.0rc3" --grpc

`TENSORRT_LLM` is the package's folder in the sources. The words behind it say which sources they are, and name flags to
leave out: those that came after the release. No registry has the wheel, so the list of a release may have to be made
from sources of another day; its header says so. The list is like that of scripts/engine_flags.py. `option` is a key of
the file behind `--extra_llm_api_options`: a field of the LLM API's arguments, unless only Python could give its value.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

from flag_lists import require, write

COMMAND = ("commands/serve.py", "serve")
ARGUMENTS = ("llmapi/llm_args.py", ("BaseLlmArgs", "TorchLlmArgs"))
METRICS = "metrics/collector.py"
METRIC_CLASSES = {"Gauge", "Counter", "Histogram"}
NAMES = {
    "tool-parser": "serve/tool_parser/tool_parser_factory.py",
    "reasoning-parser": "llmapi/reasoning_parser.py",
}
KINDS = {"int": "whole", "float": "number"}
FEWEST_FLAGS, FEWEST_OPTIONS = 30, 60
"""Fewer mean that they are defined in another way."""


def flags(tree: ast.Module, command: str) -> Iterator[tuple[str, str]]:
    """Long flags of a click command, and what their values are, where that is plain."""
    for function in tree.body:
        if isinstance(function, ast.FunctionDef) and function.name == command:
            for call in function.decorator_list:
                if isinstance(call, ast.Call) and ast.unparse(call.func) == "click.option":
                    said = {word.arg: ast.unparse(word.value) for word in call.keywords}
                    kind = "on" if said.get("is_flag") == "True" else KINDS.get(said.get("type", ""), "")
                    words = (str(word.value) for word in call.args if isinstance(word, ast.Constant))
                    yield from ((word, kind) for word in words if word.startswith("--"))


def options(tree: ast.Module) -> Iterator[str]:
    """Fields of the classes of arguments that a file can set."""
    for cls in tree.body:
        if isinstance(cls, ast.ClassDef) and cls.name in ARGUMENTS[1]:
            for field in cls.body:
                if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
                    hidden = field.target.id.startswith("_") or "object" in ast.unparse(field.annotation)
                    if not hidden:
                        yield field.target.id


def parsers(tree: ast.Module) -> list[str]:
    """Keys of the factory's table `parsers`."""
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.AnnAssign)
            and ast.unparse(node.target) == "parsers"
            and isinstance(node.value, ast.Dict)
        ):
            return sorted(str(key.value) for key in node.value.keys if isinstance(key, ast.Constant))
    raise SystemExit("no table of parsers found; adapt this script")


def metrics(tree: ast.Module) -> Iterator[str]:
    """Names of the metrics, as Prometheus reads them: the prefix, and what stands behind it."""
    prefix = next(
        ast.literal_eval(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "self.metric_prefix"
    )
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and ast.unparse(call.func) in METRIC_CLASSES:
            for word in call.keywords:
                if (
                    word.arg == "name"
                    and isinstance(word.value, ast.BinOp)
                    and isinstance(word.value.right, ast.Constant)
                ):
                    name = f"{prefix}{word.value.right.value}"
                    is_counter = ast.unparse(call.func) == "Counter"
                    yield f"{name.removesuffix('_total')}_total" if is_counter else name


def read(package: Path, without: frozenset[str]) -> list[str]:
    """Lines of the list."""

    def parse(path: str) -> ast.Module:
        return ast.parse((package / path).read_text(encoding="utf-8"))

    found = {flag: kind for flag, kind in flags(parse(COMMAND[0]), COMMAND[1]) if flag not in without}
    require([*found], FEWEST_FLAGS, "flags", COMMAND[0])
    keys = sorted(set(options(parse(ARGUMENTS[0]))))
    require(keys, FEWEST_OPTIONS, "options", ARGUMENTS[0])
    exposed = sorted(set(metrics(parse(METRICS))))
    require(exposed, 1, "metrics", METRICS)
    return [
        *(f"{flag} {kind}".rstrip() for flag, kind in sorted(found.items())),
        *(f"{kind} {name}" for kind, path in NAMES.items() for name in parsers(parse(path))),
        *(f"option {key}" for key in keys),
        *(f"metric {name}" for name in exposed),
    ]


def main(version: str, package: str, sources: str, *without: str) -> None:
    """Write the list of one release."""
    left_out = f", without {', '.join(without)}" if without else ""
    write(
        "trtllm",
        version,
        f"scripts/trtllm_flags.py from {sources}{left_out}",
        read(Path(package), frozenset(without)),
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
