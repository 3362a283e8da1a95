"""What documents tell a reader to do: every command exists as it is spelt.

What is to be typed is run by a test or needs an account; `docs_commands.yaml` says which. Links within the repository
lead somewhere, and generated pages are fresh.
"""

import functools
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import botocore.session
import pictures
import pytest
import stacks_reference
import typer
import yaml
from botocore import xform_name
from support.documents import DECISIONS_AND_REFERENCE, DOCUMENTS, ROOT, blocks, commands, mentioned
from support.program import committed

from llmplatform.cli.app import app
from llmplatform_sandbox.commands import app as sandbox

TABLE: dict[str, list[dict[str, str]]] = yaml.safe_load(Path(__file__).with_name("docs_commands.yaml").read_text())
MAKEFILE = (ROOT / "Makefile").read_text()
EVERY = sorted({words for path in DOCUMENTS for words in commands(path.read_text())})
PAGES = [*DOCUMENTS, *DECISIONS_AND_REFERENCE]
NAMED = sorted({*EVERY, *(words for path in PAGES for words in mentioned(path.read_text()))})
"""Those within sentences, too: they exist as well, and may lack what a reader fills in."""


def of(*programs: str) -> pytest.MarkDecorator:
    """Every command of some programs."""
    return pytest.mark.parametrize("words", [each for each in NAMED if each[0] in programs], ids=" ".join)


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def matching(kind: str, words: tuple[str, ...]) -> list[dict[str, str]]:
    return [row for row in TABLE[kind] if re.fullmatch(row["command"], " ".join(words))]


@pytest.mark.parametrize("words", EVERY, ids=" ".join)
def test_a_command_in_a_document_is_run_by_a_test_or_needs_an_account(words: tuple[str, ...]) -> None:
    found = [row for kind in TABLE for row in matching(kind, words)]
    assert found, "add it to docs_commands.yaml with the test that runs it, or with why none does"
    assert all((ROOT / row["by"]).exists() for row in matching("run", words)), "the test that should run it is gone"


def test_no_line_of_the_table_is_idle() -> None:
    idle = [
        row["command"]
        for kind in TABLE
        for row in TABLE[kind]
        if not any(row in matching(kind, each) for each in EVERY)
    ]
    assert not idle, "no document has these commands"


@of("make")
def test_make_has_the_target_and_the_variables(words: tuple[str, ...]) -> None:
    target, *variables = words[1:]
    recipe = re.search(rf"^{target}:.*\n(\t.*\n)*", MAKEFILE, re.MULTILINE)
    assert recipe, f"there is no target {target}"
    for name in (word.partition("=")[0] for word in variables):
        # What a caller may type reaches the shell as a variable of its own; the rest as text.
        assert f"$({name})" in recipe[0] or f"$${name}" in recipe[0], f"{target} takes no {name}"


@of("llmplatform")
def test_llmplatform_takes_the_arguments(words: tuple[str, ...]) -> None:
    # The sandbox joins by an entry point, when the command line starts.
    joined = words[1] == "sandbox"
    command: Any = typer.main.get_command(sandbox if joined else app)
    rest = list(words[2 if joined else 1 :])
    while groups := getattr(command, "commands", None):
        name = rest.pop(0)
        assert name in groups, f"there is no command {name}"
        command = groups[name]
    if words in EVERY:
        command.make_context(words[1], [*rest])
    options = {option for parameter in command.params for option in parameter.opts}
    assert {word.partition("=")[0] for word in rest if word.startswith("-")} <= options


@of("pip")
def test_pip_finds_what_is_to_be_installed(words: tuple[str, ...]) -> None:
    folder, _, extras = words[2].removeprefix("CHECKOUT/").rstrip("]").partition("[")
    project = tomllib.loads((ROOT / folder / "pyproject.toml").read_text())["project"]
    assert {*extras.split(",")} <= {*project["optional-dependencies"]}


def test_every_program_of_the_virtual_environment_is_installed() -> None:
    programs = {name for path in PAGES for name in re.findall(r"\.venv/bin/([-\w]+)", path.read_text())}
    assert {name for name in programs if not (Path(sys.executable).parent / name).exists()} == set()


@functools.cache
def pulumi() -> str | None:
    built = sorted(Path("~/.cache/llmplatform/tools").expanduser().glob("pulumi-*/pulumi"))
    return shutil.which("pulumi") or (str(built[-1]) if built else None)


@functools.cache
def helped(program: str, *words: str) -> str:
    return subprocess.run([program, *words, "--help"], capture_output=True, text=True, check=True).stdout


@of("pulumi", "kubectl", "helm")
def test_tools_have_the_subcommands_and_options(words: tuple[str, ...]) -> None:
    program = pulumi() if words[0] == "pulumi" else shutil.which(words[0])
    if program is None:
        pytest.skip(f"{words[0]} is not here")
    plain = [word for word in words[1:] if re.fullmatch(r"[a-z][-a-z]*", word) and word not in ("models", "service")]
    subcommands = plain[: 2 if plain[0] in ("stack", "config", "create") else 1]
    text = helped(program, *subcommands)
    assert re.search(rf"\b{subcommands[-1]}\b", text.partition("Usage:")[2]), "the tool knows no such command"
    everywhere = helped(program, "options") if words[0] == "kubectl" else ""
    for option in (word.split("=")[0] for word in words if word.startswith("--")):
        assert f"{option}" in text + everywhere, f"{option} is no option of {' '.join(subcommands)}"


@of("aws")
def test_the_aws_cli_has_the_operations_and_parameters(words: tuple[str, ...]) -> None:
    """The CLI's commands are made from the same models as the SDK's."""
    service, operation = words[1].removesuffix("api"), words[2]
    if operation == "update-kubeconfig":
        return
    model = botocore.session.Session().get_service_model(service)
    known = {xform_name(name, "-"): name for name in model.operation_names}
    assert operation in known, f"{service} has no {operation}"
    shape = model.operation_model(known[operation]).input_shape
    parameters = {f"--{xform_name(name, '-')}" for name in shape.members} if shape else set[str]()
    options = {word for word in words if word.startswith("--")}
    assert options <= parameters | {"--region", "--query", "--output"}


LINK = re.compile(r"\]\((?!https?://)(?P<path>[^)#\s]*)(?:#(?P<anchor>[^)\s]+))?\)")


def anchors(path: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", path.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in headings}


@pytest.mark.parametrize("path", PAGES, ids=named)
def test_a_link_within_the_repository_leads_somewhere(path: Path) -> None:
    for link in LINK.finditer(path.read_text()):
        target = (path.parent / link["path"]).resolve() if link["path"] else path
        assert target.exists(), f"{link[0]}: there is no {link['path']}"
        if link["anchor"]:
            assert link["anchor"] in anchors(target), f"{link[0]}: {target.name} has no such heading"


def test_every_page_is_reached_from_the_index() -> None:
    linked = (ROOT / "docs/README.md").read_text()
    for path in ROOT.glob("docs/*.md"):
        assert path.name == "README.md" or f"({path.name})" in linked, f"docs/README.md does not lead to {path.name}"
    decisions = (ROOT / "docs/adr/README.md").read_text()
    for path in ROOT.glob("docs/adr/0*.md"):
        assert f"({path.name})" in decisions, f"docs/adr/README.md does not lead to {path.name}"


CHINESE = ROOT / "README.zh-CN.md"


def outline(path: Path) -> list[int]:
    """The levels of the headings, and nothing that is fenced."""
    text = re.sub(r"^ *```.*?^ *```$", "", path.read_text(), flags=re.MULTILINE | re.DOTALL)
    return [len(each) for each in re.findall(r"^(#+) ", text, re.MULTILINE)]


def uncommented(block: str) -> list[str]:
    return [line.partition("  #")[0].strip() for line in block.splitlines()]


def test_the_chinese_readme_says_as_much_as_the_english_one() -> None:
    english, chinese = (ROOT / "README.md"), CHINESE
    assert outline(english) == outline(chinese), "a heading is missing in one of them"
    for language in ("console", ""):
        pairs = zip(blocks(english.read_text(), language), blocks(chinese.read_text(), language), strict=True)
        for one, other in pairs:
            assert uncommented(one) == uncommented(other), "commands and what they print are the same in every language"
    for text in (english.read_text(), chinese.read_text()):
        assert text.count("\n|") == english.read_text().count("\n|"), "a row of a table is missing"
    assert "(README.zh-CN.md)" in english.read_text()
    assert "(README.md)" in chinese.read_text()


def test_the_charts_of_the_stacks_are_fresh() -> None:
    stale = [page.name for page, text in stacks_reference.pages().items() if page.read_text() != text]
    assert not stale, "run make docs"


@pytest.mark.parametrize(
    ("picture", "stack", "said"), [("preview", "prod", "to create"), ("sandbox", "dev", "created")]
)
def test_a_picture_shows_as_many_resources_as_the_program_registers(picture: str, stack: str, said: str) -> None:
    words = pictures.words((ROOT / f"docs/pictures/{picture}.svg").read_text())
    count = len(committed(stack).registered) + 1
    assert f"Resources: {count} {said}" in words, "run make pictures"
