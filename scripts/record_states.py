"""Records the state of every committed stack after an update in the sandbox: `python scripts/record_states.py`.

They go to tests/upgrades/states/VERSION, for the version of the library, once per release: from then on every later
version is previewed on them (tests/upgrades). Secrets in them are generated ones, and open with a public
passphrase. Takes a minute or two for each stack.
"""

import shutil
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

from llmplatform_sandbox.checkpoint import Checkpoint
from llmplatform_sandbox.diff.states import State
from llmplatform_sandbox.errors import SandboxError
from llmplatform_sandbox.lifecycle import Sandbox
from llmplatform_sandbox.progress import Event, PhaseEnded
from llmplatform_sandbox.project import read_project

ROOT = Path(__file__).parents[1]
STATES = ROOT / "tests" / "upgrades" / "states"
_LOCAL = ("sourcePosition", "stackTrace", "created", "modified")
PASSPHRASE = "recorded"  # noqa: S105 it protects no real secret


def record(stack: str, file: Path) -> None:
    """Bring a stack up in its own folder, write its state into a file, and remove everything."""
    with tempfile.TemporaryDirectory(prefix="llmplatform-record-") as scratch:
        folder = Path(scratch)
        program = read_project(ROOT).program
        for name in ("Pulumi.yaml", f"Pulumi.{stack}.yaml"):
            shutil.copy(ROOT / name, folder)
        shutil.copytree(program, folder / program.relative_to(ROOT), ignore=shutil.ignore_patterns("__pycache__"))
        sandbox = Sandbox(folder, stack, _say)
        sandbox.paths.create()
        sandbox.paths.passphrase.write_text(PASSPHRASE)
        try:
            sandbox.up()
            deployment = Checkpoint(sandbox.paths, sandbox.project.name, stack).deployment()
        finally:
            sandbox.down(force=True)
    file.parent.mkdir(parents=True, exist_ok=True)
    State(deployment=_portable(deployment), passphrase=PASSPHRASE).write(file)


def _portable(deployment: dict[str, Any]) -> dict[str, Any]:
    """The state without places and times."""
    resources = [
        {name: value for name, value in resource.items() if name not in _LOCAL} for resource in deployment["resources"]
    ]
    return {**deployment, "resources": resources}


def _say(event: Event) -> None:
    if isinstance(event, PhaseEnded):
        print(f"  {event.phase}: {event.seconds:.1f} s", file=sys.stderr)


def main() -> None:
    """Record the named stacks, or all of them."""
    folder = STATES / version("llmplatform")
    for stack in sys.argv[1:] or sorted(file.name.split(".")[1] for file in ROOT.glob("Pulumi.*.yaml")):
        print(f"{stack} …", file=sys.stderr)
        file = folder / f"{stack}.json.gz"
        record(stack, file)
        print(f"{file.relative_to(ROOT)}: {file.stat().st_size} bytes")


if __name__ == "__main__":
    try:
        main()
    except SandboxError as error:
        sys.exit(str(error))
