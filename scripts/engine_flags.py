"""Write down what an engine's command line accepts and which metrics it exposes, from its wheel, without importing it.

    pip download --no-deps --dest wheels vllm==0.33.0
    python scripts/engine_flags.py wheels/vllm-0.33.0-*.whl

The wheel is read, never run: the parser's definitions are plain calls and class fields, which the syntax tree shows.
Behind a flag stands what its value is, where that is plain: `on` (none), `switch` (none, and there is a `--no-` form),
`whole`, `readable` (whole, also written 8k), `number`, or `one-of` with the choices; behind a number its bounds, as `>0
<=1`. Metrics are called as Prometheus reads them: counters end with `_total`, histograms lack `_bucket`, `_sum` and
`_count`.
"""

import ast
import re
import sys
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from flag_lists import require, write
from settings_classes import annotated, bounds_of, choices_of, literals

ENGINE_ARGUMENTS = "vllm/engine/arg_utils.py"
FRONTEND_ARGUMENTS = (
    "vllm/entrypoints/common/cli_args.py",
    "vllm/entrypoints/launchers/cli_args.py",
    "vllm/entrypoints/openai/cli_args.py",
)
"""Where it is, and where it was before."""
METRICS = ("vllm/v1/metrics/loggers.py", "vllm/engine/metrics.py")
"""Where it is, and where it was in releases whose first API server had another core."""
METRIC_CLASSES = {"_gauge_cls", "_counter_cls", "_histogram_cls"}
INSTRUMENTED = "vllm/entrypoints/serve/instrumentator/metrics.py"
INSTRUMENTATION = {"prometheus_fastapi_instrumentator": "http_requests_total"}
"""The module that counts answers, and the package that does it to the name of its counter."""
SETTINGS = "vllm/config"
"""Where the classes are whose fields are the engine's flags."""
FRONTEND_CLASSES = {"BaseFrontendArgs", "FrontendArgs"}
PARSER_FUNCTIONS = {"add_cli_args", "make_arg_parser"}
FEWEST_FLAGS = 100
"""Fewer mean that the parser is built in another way."""
REGISTRIES = {
    "tool-parser": ("vllm/tool_parsers/__init__.py", "_TOOL_PARSERS_TO_REGISTER"),
    "reasoning-parser": ("vllm/reasoning/__init__.py", "_REASONING_PARSERS_TO_REGISTER"),
}
METHODS = ("vllm/model_executor/layers/quantization/__init__.py", "QuantizationMethods", "QUANTIZATION_METHODS")
"""Module, and what it calls the methods now and called them before (`_verify_quantization` of vllm/config/model.py)."""
DECORATED = {"tool-parser": "vllm/entrypoints/openai/tool_parsers/"}
"""Folders of older releases, whose parsers register themselves by a decorator."""


@dataclass(frozen=True)
class Wheel:
    """What is read of a wheel."""

    annotations: Mapping[str, Mapping[str, str]]
    """Class of settings to its fields and their types, as they are written."""
    bounds: Mapping[str, Mapping[str, str]]
    """Class of settings to its fields and the bounds of their numbers; none for a field without."""
    readable: frozenset[str]
    """Fields whose numbers may be written 8k."""
    choices: Mapping[str, tuple[str, ...]]
    """Name of a type to its choices, where it is made of literals alone."""


NUMBERS = {"whole", "readable", "number"}
ALSO_WORDS = {"max_model_len"}
"""Fields of whole numbers that the engine reads as words, too (`auto`)."""
READABLE = "human_readable_int_args"
"""The set in the engine's arguments that names them."""


def readable_fields(tree: ast.Module) -> frozenset[str]:
    """Fields whose values the engine reads as 8k, too."""
    sets = (
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        and any(isinstance(target, ast.Name) and target.id == READABLE for target in node.targets)
    )
    return frozenset(str(word.value) for found in sets for word in ast.walk(found) if isinstance(word, ast.Constant))


def arms_of(annotation: ast.expr) -> list[ast.expr]:
    """The types of a union, but for None."""
    if isinstance(annotation, ast.BinOp):
        return [*arms_of(annotation.left), *arms_of(annotation.right)]
    return [] if ast.unparse(annotation) == "None" else [annotation]


def one_of(choices: Iterable[str]) -> str:
    """The kind of a flag with these choices; empty where one of them cannot stand in a list."""
    words = list(dict.fromkeys(choices))
    return " ".join(["one-of", *words]) if all(re.fullmatch(r"\S+", word) for word in words) else ""


def kind_of(annotation: str, field: str, wheel: Wheel) -> str:
    """What the value of a flag is, as the engine's `get_kwargs` decides by the field's type; empty where not plain."""
    if field in ALSO_WORDS or not annotation:
        return ""
    types = arms_of(ast.parse(annotation, mode="eval").body)
    arms = {ast.unparse(each) for each in types}
    chosen = [wheel.choices.get(ast.unparse(each)) or choices_of(each, {}) for each in types]
    if all(chosen):
        return one_of([word for words in chosen for word in words])
    kinds = {frozenset({"bool"}): "switch", frozenset({"int"}): "whole", frozenset({"float"}): "number"}
    kind = kinds.get(frozenset(arms), "")
    return "readable" if kind == "whole" and field in wheel.readable else kind


def kind_of_call(call: ast.Call, groups: Mapping[str, str], wheel: Wheel) -> str:
    """The same of an `add_argument` call, from its own words or from the class that it takes them from."""
    for word in call.keywords:
        said = ast.unparse(word.value)
        if word.arg == "choices" and isinstance(word.value, ast.List):
            words = [str(each.value) for each in word.value.elts if isinstance(each, ast.Constant)]
            return one_of(words) if len(words) == len(word.value.elts) else ""
    for word in call.keywords:
        said = ast.unparse(word.value)
        if word.arg == "action" and "store_true" in said:
            return "on"
        if word.arg == "action" and "BooleanOptionalAction" in said:
            return "switch"
        if word.arg == "type":
            return {"int": "whole", "float": "number"}.get(said, "")
        taken = next((node for node in ast.walk(word.value) if isinstance(node, ast.Subscript)), None)
        if word.arg is None and taken:
            field = ast.literal_eval(taken.slice)
            cls = groups.get(ast.unparse(taken.value), "")
            kind, bounds = (
                kind_of(wheel.annotations.get(cls, {}).get(field, ""), field, wheel),
                wheel.bounds.get(cls, {}),
            )
            return f"{kind} {bounds.get(field, '')}".rstrip() if kind in NUMBERS else kind
    return ""


def groups_in(function: ast.FunctionDef) -> dict[str, str]:
    """Variables of a function that hold the arguments of a class: `model_kwargs = get_kwargs(ModelConfig)`."""
    found: dict[str, str] = {}
    for node in ast.walk(function):
        call = node.value if isinstance(node, ast.Assign) else None
        if isinstance(node, ast.Assign) and isinstance(call, ast.Call) and ast.unparse(call.func) == "get_kwargs":
            found[ast.unparse(node.targets[0])] = ast.unparse(call.args[0])
    return found


def added_arguments(tree: ast.Module, wheel: Wheel) -> Iterator[tuple[str, str]]:
    """Long flags of every `add_argument` call in the functions that build the parser, and what their values are."""
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef) or function.name not in PARSER_FUNCTIONS:
            continue
        groups = groups_in(function)
        for call in ast.walk(function):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "add_argument":
                words = [word.value for word in call.args if isinstance(word, ast.Constant)]
                kind = kind_of_call(call, groups, wheel)
                yield from ((word, kind) for word in words if isinstance(word, str) and word.startswith("--"))


def fields_as_flags(tree: ast.Module, wheel: Wheel) -> Iterator[tuple[str, str]]:
    """The frontend's flags are the fields of its classes."""
    for cls in ast.walk(tree):
        if isinstance(cls, ast.ClassDef) and cls.name in FRONTEND_CLASSES:
            for field, annotation in wheel.annotations[cls.name].items():
                yield f"--{field.replace('_', '-')}", kind_of(annotation, field, wheel)


def registered(tree: ast.Module, variable: str) -> Iterator[str]:
    """Keys of a dictionary that is assigned to a variable of the module."""
    for statement in tree.body:
        target = statement.targets[0] if isinstance(statement, ast.Assign) else None
        if isinstance(target, ast.Name) and target.id == variable:
            table = statement.value if isinstance(statement, ast.Assign) else None
            if not isinstance(table, ast.Dict):
                raise SystemExit(f"{variable} is no dictionary; adapt this script")
            yield from (str(key.value) for key in table.keys if isinstance(key, ast.Constant))


def methods(tree: ast.Module) -> list[str]:
    """The methods of quantization that the engine holds `--quantization` to, once its parser has taken any text."""
    for statement in tree.body:
        if isinstance(statement, ast.Assign | ast.AnnAssign) and statement.value:
            target = statement.targets[0] if isinstance(statement, ast.Assign) else statement.target
            if ast.unparse(target) in METHODS:
                found = choices_of(statement.value, {})
                return sorted(found or ast.literal_eval(statement.value))
    raise SystemExit("no methods of quantization found; adapt this script")


def decorated(tree: ast.Module) -> Iterator[str]:
    """Names that `@….register_module(…)` gives to the classes of a module."""
    for cls in ast.walk(tree):
        for call in cls.decorator_list if isinstance(cls, ast.ClassDef) else ():
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute):
                yield from (
                    str(word.value)
                    for word in ast.walk(call)
                    if isinstance(word, ast.Constant) and call.func.attr == "register_module"
                )


def metrics(tree: ast.Module) -> Iterator[str]:
    """Names of the metrics that a module makes, as Prometheus reads them."""
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr in METRIC_CLASSES:
            for word in call.keywords:
                if word.arg == "name" and isinstance(word.value, ast.Constant):
                    name = str(word.value.value)
                    yield f"{name.removesuffix('_total')}_total" if call.func.attr == "_counter_cls" else name


def imported(tree: ast.Module) -> set[str]:
    """Packages that a module imports from."""
    return {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}


def read(wheel: Path) -> tuple[str, list[str]]:
    """Version of the wheel, and the lines of the list."""
    _, version, *_ = wheel.name.split("-")
    with zipfile.ZipFile(wheel) as archive:

        def parse(path: str) -> ast.Module:
            return ast.parse(archive.read(path))

        files = archive.namelist()
        arguments = parse(ENGINE_ARGUMENTS)
        frontend = parse(next(path for path in FRONTEND_ARGUMENTS if path in files))
        settings = [parse(path) for path in files if path.startswith(SETTINGS) and path.endswith(".py")]
        everywhere = [*settings, frontend, arguments]
        fields = annotated([*settings, frontend])
        types = {cls: {name: ast.unparse(each.annotation) for name, each in of.items()} for cls, of in fields.items()}
        bounds = {cls: {name: bounds_of(each) for name, each in of.items()} for cls, of in fields.items()}
        known = Wheel(types, bounds, readable_fields(arguments), literals(everywhere))
        flags = dict(fields_as_flags(frontend, known))
        flags |= dict([*added_arguments(arguments, known), *added_arguments(frontend, known)])
        require([*flags], FEWEST_FLAGS, "flags", wheel.name)
        lines = [f"{flag} {kind}".rstrip() for flag, kind in sorted(flags.items())]
        for kind, (path, variable) in REGISTRIES.items():
            folder = DECORATED.get(kind, path)
            older = [file for file in files if file.startswith(folder) and file.endswith(".py")]
            if path in files:
                names = sorted(registered(parse(path), variable))
            else:
                names = sorted(name for file in older for name in decorated(parse(file)))
            if not names and (path in files or older):
                raise SystemExit(f"no {kind} found in {wheel.name}; adapt this script")
            lines += [f"{kind} {name}" for name in names]
        lines += [f"quantization {name}" for name in methods(parse(METHODS[0]))]
        exposed = {*metrics(parse(next(path for path in METRICS if path in files)))}
        require([*exposed], 1, "metrics", wheel.name)
        if INSTRUMENTED in files:
            exposed |= {name for package, name in INSTRUMENTATION.items() if package in imported(parse(INSTRUMENTED))}
        lines += [f"metric {name}" for name in sorted(exposed)]
    return version, lines


def main(wheel: Path) -> None:
    """Write the list of one wheel."""
    version, lines = read(wheel)
    write("vllm", version, "scripts/engine_flags.py from the wheel on PyPI", lines)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
