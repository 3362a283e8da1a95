"""What `docs_commands.yaml` says is run by a test, is: an argument list of the test has its words in order."""

import ast
import functools
import re
import shlex
import subprocess
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from string import Template

import pytest
import yaml
from support.documents import DOCUMENTS, ROOT, commands
from support.making import dry_run

from llmplatform_sandbox.diff.revision import find_revision

VARIABLE, LIST = "*", "**"
"""Stand in an argument list for a word that is no literal, and for what another list gives (`*arguments`)."""

DEFAULTS: list[tuple[str, str]] = re.findall(r"^(\w+) \?= (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
"""What make takes where a command names no other value."""
ROWS: list[dict[str, str]] = yaml.safe_load(Path(__file__).with_name("docs_commands.yaml").read_text())["run"]
EVERY = sorted({words for path in DOCUMENTS for words in commands(path.read_text())})
RUN = [
    pytest.param(words, row, id=f"{' '.join(words)} by {Path(row['by']).name}")
    for words in EVERY
    for row in ROWS
    if re.fullmatch(row["command"], " ".join(words)) and words[0] != "git"  # Those are run below.
]


@functools.cache
def argument_lists(path: Path) -> str:
    """The arguments of every call of a test, its lists and tuples, and the commands in its scripts; lists filled in.

    Each ends with an empty line, and each of its words with the line.
    """
    nodes = [node for each in (path, *helpers(path)) for node in ast.walk(ast.parse(each.read_text()))]
    constants = dict(pair for node in nodes if isinstance(node, ast.Assign) for pair in assigned(node))

    def word(node: ast.expr) -> str:
        if isinstance(node, ast.Starred):
            return LIST
        return constants.get(node.id, VARIABLE) if isinstance(node, ast.Name) else text(node)

    lists = [[word(each) for each in node.args] for node in nodes if isinstance(node, ast.Call)]
    lists += [[word(each) for each in node.elts] for node in nodes if isinstance(node, ast.List | ast.Tuple)]
    scripts = [text(part) for node in nodes if isinstance(node, ast.JoinedStr) for part in node.values]
    lists += [line.split() for script in scripts for line in script.splitlines() if line.startswith("pulumi ")]
    open_ = [(each, at) for each in lists for at, one in enumerate(each) if one == LIST]
    lists += [[*each[:at], *other, *each[at + 1 :]] for each, at in open_ for other in lists]
    return "\n".join("".join(f"{' '.join(word.split()) or VARIABLE}\n" for word in each) for each in lists)


def helpers(path: Path) -> list[Path]:
    """Modules of the tests' own that a test imports: what it types may go through them."""
    imports = [node.module for node in ast.parse(path.read_text()).body if isinstance(node, ast.ImportFrom)]
    files = [ROOT / "tests" / f"{module.replace('.', '/')}.py" for module in imports if module]
    return [file for file in files if file.exists()]


def text(node: ast.expr) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else VARIABLE


def assigned(node: ast.Assign) -> Iterator[tuple[str, str]]:
    """Names and the texts that they stand for: `STACK, MODEL = "dev", "qwen3-8b"`."""
    for target in node.targets:
        if isinstance(target, ast.Name):
            yield target.id, text(node.value)
        elif isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
            for name, value in zip(target.elts, node.value.elts, strict=False):
                yield ast.unparse(name), text(value)


def types(lists: str, wanted: tuple[str, ...]) -> bool:
    """Whether an argument list has these words in their order, with others before options alone.

    A variable stands for a value, and not for what is done.
    """
    fixed = decisive(wanted)
    pattern = "".join(
        (r"(?:.+\n)*" if word.startswith("-") else "")
        + (re.escape(word) if word in fixed else rf"(?:{re.escape(word)}|{re.escape(VARIABLE)})")
        + r"\n"
        for word in wanted
    )
    return bool(re.search(f"^{pattern}", lists, re.MULTILINE))


@functools.cache
def resolved(words: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    """What make would run, prerequisites included, with the variables that the shell fills in."""
    given = dict(DEFAULTS) | dict(word.split("=", 1) for word in words if "=" in word)
    lines = (shlex.split(line) for line in dry_run(["-B", *words[1:]]).splitlines())
    return tuple(tuple(Template(word).safe_substitute(given) for word in line) for line in lines)


def decisive(words: tuple[str, ...]) -> set[str]:
    """The words of a command that say what it does: subcommands and options, without their values."""
    grouped = words[0] in ("sandbox", "charts", "pulumi")
    return {*words[: 1 + grouped], *(word for word in words if word.startswith("-"))}


def arguments(words: tuple[str, ...]) -> tuple[str, ...]:
    """What follows the name of our program, without the folder: a test has its own."""
    if words[0] == "pulumi":
        return words
    program, *rest = resolved(words)[-1] if words[0] == "make" else words
    if Path(program).name == "python":
        rest = rest[rest.index("-m") + 2 :]
    if "--project" in rest:
        at = rest.index("--project")
        rest[at : at + 2] = []
    return tuple(rest)


def reads(by: Path, words: tuple[str, ...]) -> bool:
    """Whether a test runs what a document says: it names the document, or the example whose README it is."""
    named = {*argument_lists(by).splitlines()}
    known = {page: {str(page.relative_to(ROOT)), *page.relative_to(ROOT).parts[1:-1]} for page in DOCUMENTS}
    return any(words in commands(page.read_text()) for page, names in known.items() if names & named)


@pytest.mark.parametrize(("words", "row"), RUN)
def test_a_test_that_is_said_to_run_a_command_types_it(words: tuple[str, ...], row: dict[str, str]) -> None:
    by = ROOT / row["by"]
    if by.suffix != ".py":
        targets = re.findall(r"^(make .+)$", by.read_text(), re.MULTILINE)
        within = {line for target in targets for line in resolved(tuple(target.split()))}
        assert set(resolved(words)) <= within, f"{by.name} runs no target that does this"
        return
    if reads(by, words):
        return
    wanted = arguments(words)
    if "as" in row:
        other = tuple(row["as"].split())
        assert decisive(wanted) - {"sandbox"} <= decisive(other), f"{row['as']} is another command"
        wanted = other
    assert types(argument_lists(by), wanted), f"{by.name} never types {' '.join(wanted)}"


def test_an_argument_list_is_told_from_words_that_occur(tmp_path: Path) -> None:
    script = tmp_path / "test_it.py"
    script.write_text(
        '"""sandbox up dev"""\nSTACK = "dev-ack"\nrun("sandbox", "status", STACK)\nfault("spot-stockout", kind)\n'
        'def fault(*arguments: str):\n    run("sandbox", "fault", *arguments)\n'
    )

    def typed(command: str) -> bool:
        return types(argument_lists(script), tuple(command.split()))

    assert typed("sandbox status dev-ack")
    assert typed("sandbox fault spot-stockout g5.2xlarge")
    assert not typed("sandbox status dev"), "another stack"
    assert not typed("sandbox up dev"), "words of a sentence"
    assert not typed("sandbox status dev-ack --json"), "an option is missing"
    assert not typed("spot-stockout g5.2xlarge fault"), "another order"


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=test", "-c", "user.email=test@example.org", "-c", "init.defaultBranch=main"]
    return subprocess.run(
        ["git", *identity, *arguments], cwd=folder, capture_output=True, text=True, check=True
    ).stdout.strip()


@pytest.fixture
def branch(tmp_path: Path) -> Path:
    """A clone with a branch of one commit, behind whose back the main branch has moved on."""
    origin, clone = tmp_path / "origin", tmp_path / "clone"
    origin.mkdir()
    git(origin, "init", "--quiet")
    (origin / "Pulumi.yaml").write_text("name: app\n")
    git(origin, "add", "--all")
    git(origin, "commit", "--quiet", "--message", "base")
    git(tmp_path, "clone", "--quiet", str(origin), str(clone))
    git(origin, "commit", "--quiet", "--allow-empty", "--message", "others")
    git(clone, "fetch", "--quiet")
    git(clone, "commit", "--quiet", "--allow-empty", "--message", "mine")
    return clone


@pytest.mark.parametrize("words", [each for each in EVERY if each[0] == "git"], ids=" ".join)
def test_a_git_command_of_a_guide_gives_the_commit_that_the_branch_left_from(
    branch: Path, words: tuple[str, ...]
) -> None:
    assert git(branch, *words[1:]) == git(branch, "rev-parse", "HEAD~1")


def test_the_revisions_that_guides_compare_with_are_found(branch: Path) -> None:
    named = {word for words in EVERY for option, word in pairwise(words) if option == "--against"}
    named |= {word.removeprefix("AGAINST=") for words in EVERY for word in words if word.startswith("AGAINST=")}
    assert named >= {"origin/main", "HEAD~1"}
    for name in named:
        written = git(branch, *name[2:-1].split()[1:]) if name.startswith("$(") else name
        assert find_revision(branch, written).commit == git(branch, "rev-parse", written), name
