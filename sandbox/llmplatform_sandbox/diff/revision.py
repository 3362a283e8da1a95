"""Another revision of a project's repository: exported beside the checkout, which it never changes."""

import os
import re
import shlex
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from llmplatform_sandbox.errors import SandboxError

_REQUIREMENTS = ("*requirements*.txt", "requirements/*.txt", "uv.lock", "poetry.lock", "pdm.lock")


@dataclass(frozen=True, kw_only=True)
class Revision:
    """A commit of the repository of a project folder."""

    name: str
    """As the user wrote it: `HEAD~1`, `origin/main`."""
    commit: str
    tree: str
    """Digest of all files of the commit."""
    root: Path
    """The checkout's top folder."""
    project: Path
    """The project's folder, relative to `root`."""

    @property
    def short(self) -> str:
        """The commit's short name."""
        return self.commit[:10]

    def export(self, folder: Path) -> Path:
        """Write all files of the revision into a folder; returns the project's folder in it."""
        with tempfile.TemporaryDirectory(prefix="llmplatform-index-") as scratch:
            # A separate index: the user's staged changes stay.
            index = {"GIT_INDEX_FILE": str(Path(scratch) / "index")}
            for command in (["read-tree", self.commit], ["checkout-index", "--all", f"--prefix={folder}/"]):
                done = _git(self.root, *command, **index)
                if done.returncode:
                    raise SandboxError(f"{self.name}: git cannot export it: {_said(done)}")
        return folder / self.project

    def import_path(self, exported: Path) -> list[str]:
        """Import path of the revision's packages, for those that this Python imports from the checkout.

        Any other package is the same on both sides.
        """
        own = Path(__file__).parents[2]
        here = [Path(entry) for entry in sys.path if entry and Path(entry).is_relative_to(self.root)]
        there = [exported / entry.relative_to(self.root) for entry in here if entry != own]
        return [str(folder) for folder in there if folder.is_dir()]

    def other_requirements(self) -> list[str]:
        """Files of pinned packages that differ between the revision and the checkout."""
        changed = _git(self.root, "diff", "--name-only", self.commit, "--", *_REQUIREMENTS)
        return changed.stdout.decode().splitlines()


def find_revision(folder: Path, name: str) -> Revision:
    """Find a revision. Raises `SandboxError` (exit code 2) without a repository or such a revision."""
    top = _git(folder, "rev-parse", "--show-toplevel")
    if top.returncode:
        raise SandboxError(f"{folder}: {_why_not(top)}", exit_code=2)
    root = Path(top.stdout.decode().strip())
    # A name that begins with a dash would be an option of git.
    found = _git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
    if found.returncode:
        remedy = "name a commit, a branch or a tag that `git log` shows"
        if _git(root, "rev-parse", "--is-shallow-repository").stdout.strip() == b"true":
            remedy += "; this clone is shallow: fetch more of its history first (`git fetch --deepen=50`)"
        raise SandboxError(f"--against {name}: no such revision here; {remedy}", exit_code=2)
    commit = found.stdout.decode().split()[-1]
    tree = _git(root, "rev-parse", f"{commit}^{{tree}}").stdout.decode().strip()
    return Revision(name=name, commit=commit, tree=tree, root=root, project=folder.resolve().relative_to(root))


def _git(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(
            ["git", "-C", str(folder), *arguments],
            capture_output=True,
            check=False,
            env={**os.environ, "LC_ALL": "C", **variables},
        )
    except FileNotFoundError:
        raise SandboxError("git: not installed; a diff against another revision needs it") from None


def _why_not(result: subprocess.CompletedProcess[bytes]) -> str:
    """Why git finds no repository in a folder, and the remedy."""
    said = result.stderr.decode(errors="replace")
    # Since 2.35.2, and in English under LC_ALL=C (git/git: setup.c, die_upon_dubious_ownership).
    distrusted = re.search(r"dubious ownership in repository at '(.*)'", said)
    if distrusted:
        return (
            "git does not trust the checkout, which belongs to another user; run "
            f"`git config --global --add safe.directory {shlex.quote(distrusted[1])}`"
        )
    if "not a git repository" in said:
        return "not in a git repository; run the command in a checkout"
    return f"git cannot read the checkout: {_said(result)}"


def _said(result: subprocess.CompletedProcess[bytes]) -> str:
    return result.stderr.decode(errors="replace").strip().splitlines()[-1] if result.stderr.strip() else "no reason"
