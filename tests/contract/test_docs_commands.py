"""What `docs_commands.yaml` says is run by a test, is: the test types the subcommand and its options itself."""

import ast
import functools
import re
import shlex
import subprocess
from itertools import pairwise
from pathlib import Path

import pytest
import yaml
from documents import DOCUMENTS, ROOT, commands
from making import dry_run

from llmplatform_sandbox.diff.revision import find_revision

ROWS: list[dict[str, str]] = yaml.safe_load(Path(__file__).with_name("docs_commands.yaml").read_text())["run"]
EVERY = sorted({words for path in DOCUMENTS for words in commands(path.read_text())})
RUN = [
    pytest.param(words, ROOT / row["by"], id=f"{' '.join(words)} by {Path(row['by']).name}")
    for words in EVERY
    for row in ROWS
    if re.fullmatch(row["command"], " ".join(words)) and words[0] != "git"  # Those are run below.
]


@functools.cache
def typed(path: Path) -> frozenset[str]:
    """Every word that a test, or a module of the tests that it imports, writes as text; and every part of a path."""
    nodes = [*ast.walk(ast.parse(path.read_text()))]
    texts = [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    imported = [ROOT / "tests" / f"{node.module}.py" for node in nodes if isinstance(node, ast.ImportFrom)]
    words = {word for text in texts for word in re.split(r"[\s`;/]+", text)}
    return frozenset(words.union(*(typed(module) for module in imported if module.is_file())))


@functools.cache
def resolved(words: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    """What make would run, prerequisites included."""
    return tuple(tuple(shlex.split(line)) for line in dry_run(["-B", *words[1:]]).splitlines())


def decisive(words: tuple[str, ...]) -> set[str]:
    """The words of a command that say what it does: the subcommand and the options, without their values."""
    plain = [word for word in words[1:] if re.fullmatch(r"[a-z]+(-[a-z]+)*", word)]
    grouped = plain[0] in ("sandbox", "charts", "stack", "benchmarks")
    # `--project` is where a test puts its own folder.
    return {plain[int(grouped)]} | {word for word in words if word.startswith("--") and word != "--project"}


def reads(by: Path, words: tuple[str, ...]) -> bool:
    """Whether a test runs what an example's own document says."""
    pages = [page for page in ROOT.glob("examples/*/README.md") if {page.name, page.parent.name} <= typed(by)]
    return any(words in commands(page.read_text()) for page in pages)


@pytest.mark.parametrize(("words", "by"), RUN)
def test_a_test_that_is_said_to_run_a_command_types_it(words: tuple[str, ...], by: Path) -> None:
    if by.suffix != ".py":
        targets = re.findall(r"^(make .+)$", by.read_text(), re.MULTILINE)
        within = {line for target in targets for line in resolved(tuple(target.split()))}
        assert set(resolved(words)) <= within, f"{by.name} runs no target that does this"
        return
    if reads(by, words):
        return
    if words[0] == "make":
        words = resolved(words)[-1]
        words = (Path(words[0]).name, *words[1:])
    missing = decisive(words) - typed(by)
    assert not missing, f"{by.name} never types {sorted(missing)}"


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
