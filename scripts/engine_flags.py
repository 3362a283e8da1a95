"""Write down what an engine's command line accepts, from its wheel, without importing it.

    pip download --no-deps --dest wheels vllm==0.33.0
    python scripts/engine_flags.py wheels/vllm-0.33.0-*.whl

The wheel is read, never run: the parser's definitions are plain calls and class fields, which the syntax tree shows.
Switches are given without their `--no-` form.
"""

import ast
import sys
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

DATA = Path(__file__).parent.parent / "components/llmplatform/catalog/data/engines"
ENGINE_ARGUMENTS = "vllm/engine/arg_utils.py"
FRONTEND_ARGUMENTS = ("vllm/entrypoints/common/cli_args.py", "vllm/entrypoints/openai/cli_args.py")
"""Where it is, and where it was before."""
FRONTEND_CLASSES = {"BaseFrontendArgs", "FrontendArgs"}
PARSER_FUNCTIONS = {"add_cli_args", "make_arg_parser"}
FEWEST_FLAGS = 100
"""Fewer mean that the parser is built in another way."""
REGISTRIES = {
    "tool-parser": ("vllm/tool_parsers/__init__.py", "_TOOL_PARSERS_TO_REGISTER"),
    "reasoning-parser": ("vllm/reasoning/__init__.py", "_REASONING_PARSERS_TO_REGISTER"),
}
DECORATED = {"tool-parser": "vllm/entrypoints/openai/tool_parsers/"}
"""Folders of older releases, whose parsers register themselves by a decorator."""


def added_arguments(tree: ast.Module) -> Iterator[str]:
    """Long flags of every `add_argument` call in the functions that build the parser."""
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef) or function.name not in PARSER_FUNCTIONS:
            continue
        for call in ast.walk(function):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "add_argument":
                words = (word.value for word in call.args if isinstance(word, ast.Constant))
                yield from (word for word in words if isinstance(word, str) and word.startswith("--"))


def fields_as_flags(tree: ast.Module) -> Iterator[str]:
    """The frontend's flags are the fields of its classes."""
    for cls in ast.walk(tree):
        if isinstance(cls, ast.ClassDef) and cls.name in FRONTEND_CLASSES:
            for field in cls.body:
                if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
                    yield f"--{field.target.id.replace('_', '-')}"


def registered(tree: ast.Module, variable: str) -> Iterator[str]:
    """Keys of a dictionary that is assigned to a variable of the module."""
    for statement in tree.body:
        target = statement.targets[0] if isinstance(statement, ast.Assign) else None
        if isinstance(target, ast.Name) and target.id == variable:
            table = statement.value if isinstance(statement, ast.Assign) else None
            if not isinstance(table, ast.Dict):
                raise SystemExit(f"{variable} is no dictionary; adapt this script")
            yield from (str(key.value) for key in table.keys if isinstance(key, ast.Constant))


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


def read(wheel: Path) -> tuple[str, list[str]]:
    """Version of the wheel, and the lines of the list."""
    _, version, *_ = wheel.name.split("-")
    with zipfile.ZipFile(wheel) as archive:

        def parse(path: str) -> ast.Module:
            return ast.parse(archive.read(path))

        files = archive.namelist()
        frontend = parse(next(path for path in FRONTEND_ARGUMENTS if path in files))
        flags = {*added_arguments(parse(ENGINE_ARGUMENTS)), *added_arguments(frontend), *fields_as_flags(frontend)}
        if len(flags) < FEWEST_FLAGS:
            raise SystemExit(f"only {len(flags)} flags found in {wheel.name}; adapt this script")
        lines = sorted(flags)
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
    return version, lines


def main(wheel: Path) -> None:
    """Write the list of one wheel."""
    version, lines = read(wheel)
    today = datetime.now(UTC).date()
    header = [
        f"# What `vllm serve` {version} accepts. Made by scripts/engine_flags.py from the wheel on PyPI, {today}.",
        "# Flags by their long name; then the names that --tool-call-parser and --reasoning-parser know.",
    ]
    target = DATA / f"vllm-{version}.txt"
    target.write_text("\n".join([*header, *lines]) + "\n")
    print(f"{target.name}: {len(lines)} lines")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
