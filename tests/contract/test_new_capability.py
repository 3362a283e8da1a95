"""A new capability costs a command: in a copy of this tree, the steps of `make check` pass and its tests are green."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.program import ROOT

NEW = (("velero", "--kind", "addon"), ("demo", "--kind", "service"), ("batch_inference", "--kind", "job"))


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tracked files of this tree, with an empty capability of each kind."""
    folder = tmp_path_factory.mktemp("clone")
    for name in run(ROOT, "git", "ls-files", "-z").split("\0"):
        if name and (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    (folder / ".venv").symlink_to(ROOT / ".venv")
    run(folder, "git", "init", "--quiet")
    run(folder, "git", "add", "--all")
    run(folder, "git", "-c", "user.name=test", "-c", "user.email=test@example.org", "commit", "--quiet", "-m", "before")
    for words in NEW:
        run(folder, "scripts/new_capability.py", *words)
    run(folder, "git", "add", "--all")
    return folder


def run(folder: Path, *command: str) -> str:
    """What a command in a folder says, with the library of that folder before the installed one."""
    path = os.pathsep.join(str(folder / each) for each in ("components", "sandbox"))
    environment = {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
    environment.pop("PYTEST_ADDOPTS", None)
    done = subprocess.run(command, cwd=folder, env=environment, check=False, capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(command)}:\n{done.stdout[-6000:]}{done.stderr[-3000:]}"
    return done.stdout


@pytest.mark.timeout(1800)
def test_make_check_passes_with_the_types_of_what_is_changed(copy: Path) -> None:
    changed = run(copy, "git", "diff", "--cached", "--name-only", "HEAD", "--", "*.py").split()
    assert len(changed) >= 3 * len(NEW)
    run(copy, "scripts/check.sh", *changed)


def test_the_tests_of_each_pass_and_the_contract_tests_have_found_them(copy: Path) -> None:
    files = [f"tests/unit/{kind}s/test_{name}.py" for name, _, kind in NEW]
    run(copy, sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *files)
    rules = "tests/contract/test_capabilities.py"
    said = run(copy, sys.executable, "-m", "pytest", "-v", "-p", "no:cacheprovider", rules, "-k", "demo")
    assert said.count("PASSED") >= 12, "three rules on four sites"


def test_an_empty_capability_is_installed_nowhere(copy: Path) -> None:
    ledger = "tests/contract/test_identity_ledger.py"
    run(copy, sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", ledger, "-k", "dev")


def test_a_capability_that_is_there_is_not_written_over() -> None:
    script = ROOT / "scripts/new_capability.py"
    command = [script, "monitoring", "--kind", "addon"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode
    assert "is there already" in done.stderr
