"""Writes the exports of the capabilities' folders, from their modules; with --check only names the stale ones.

A folder of settings exports its modules' public classes. A folder of components exports each component with its
arguments, and each module that has an `install`. A capability of several modules is a package, which says what it
exports in its `__all__`.
"""

import argparse
import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

LIBRARY = Path(__file__).parents[1] / "components/llmplatform"
KINDS = ("addons", "services", "jobs")
WRITTEN = "# Written by scripts/capabilities.py from the modules of this folder."


def main() -> int:
    """Writes the exports, or compares them."""
    parser = argparse.ArgumentParser(description="Write what the folders of capabilities export.")
    parser.add_argument("--check", action="store_true", help="write nothing; fail when a folder's exports are stale")
    check = parser.parse_args().check
    stale = update(LIBRARY, check=check)
    for each in stale:
        print(f"{each}: {'stale; run make docs' if check else 'written'}", file=sys.stderr if check else sys.stdout)
    return 1 if check and stale else 0


def update(library: Path, *, check: bool = False) -> list[str]:
    """Write the exports of every folder of capabilities of a library; returns the stale ones."""
    stale: list[str] = []
    for folder in [*(library / "specs" / kind for kind in KINDS), *(library / kind for kind in KINDS)]:
        package = ".".join(("llmplatform", *folder.relative_to(library).parts))
        init = folder / "__init__.py"
        text = exports(folder, package)
        if init.read_text(encoding="utf-8") != text:
            stale.append(str(init.relative_to(library)))
            if not check:
                init.write_text(text, encoding="utf-8")
    return stale


def exports(folder: Path, package: str) -> str:
    """The package's module as it should be: its own docstring, then its modules' and packages' exports."""
    doc = ast.get_docstring(_tree(folder / "__init__.py"))
    lines, names = [f'"""{doc}"""', "", WRITTEN], list[str]()
    trees = {path.stem: _tree(path) for path in sorted(folder.glob("[!_]*.py"))}
    packages = {path.parent.name: list(_all(_tree(path))) for path in sorted(folder.glob("[!_]*/__init__.py"))}
    modules = [name for name, tree in trees.items() if _installs(tree)]
    modules += [name for name, given in packages.items() if "install" in given]
    settings = folder.parent.name == "specs"
    found = {name: sorted(_classes(tree) if settings else _components(tree)) for name, tree in trees.items()}
    found |= {name: [each for each in given if each != "install"] for name, given in packages.items()}
    if modules:
        lines.append(f"from {package} import {', '.join(modules)}")
    for module, classes in found.items():
        if classes:
            lines.append(f"from {package}.{module} import {', '.join(classes)}")
        names += classes
    if not names:
        return f'"""{doc}"""\n'
    listed = ", ".join(f'"{name}"' for name in [*names, *modules])
    return _formatted("\n".join([*lines, "", f"__all__ = [{listed}]", ""]))


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _all(tree: ast.Module) -> Iterator[str]:
    """What a package exports itself."""
    for each in tree.body:
        if isinstance(each, ast.Assign) and ast.unparse(each.targets[0]) == "__all__":
            yield from ast.literal_eval(each.value)


def _installs(tree: ast.Module) -> bool:
    return any(isinstance(each, ast.FunctionDef) and each.name == "install" for each in tree.body)


def _classes(tree: ast.Module) -> Iterator[str]:
    """Public classes and unions of classes of a module."""
    for each in tree.body:
        names = [each.name] if isinstance(each, ast.ClassDef) else []
        if isinstance(each, ast.Assign):
            names = [target.id for target in each.targets if isinstance(target, ast.Name) and not target.id.isupper()]
        yield from (name for name in names if not name.startswith("_"))


def _components(tree: ast.Module) -> Iterator[str]:
    """Components of a module, each with its arguments."""
    found = {each.name: each for each in tree.body if isinstance(each, ast.ClassDef)}
    for name, each in found.items():
        if any(isinstance(base, ast.Name) and base.id == "PlatformComponent" for base in each.bases):
            yield name
            if f"{name}Args" in found:
                yield f"{name}Args"


def _formatted(text: str) -> str:
    """The text in the form that `make check` requires."""
    ruff = [str(Path(sys.executable).with_name("ruff"))]
    for command in (["check", "--fix", "--quiet", "--select", "I,RUF022"], ["format"]):
        done = subprocess.run(
            [*ruff, *command, "--stdin-filename", str(LIBRARY / "__init__.py"), "-"],
            input=text,
            capture_output=True,
            text=True,
            check=True,
        )
        text = done.stdout
    return text


if __name__ == "__main__":
    sys.exit(main())
