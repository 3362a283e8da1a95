"""The parts of the user's Pulumi CLI that recovery needs: export, import, refresh and locks."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from llmplatform.recovery.locks import Locked, owners
from llmplatform.recovery.survey import Unknown, WrongInput

_NO_STACK = "no stack named"


class PulumiCli:
    """A stack of a project folder."""

    def __init__(self, project: Path, stack: str) -> None:
        if not (project / "Pulumi.yaml").is_file():
            raise WrongInput(f"{project}: no Pulumi.yaml is there; give the project's folder by --project")
        command = shutil.which("pulumi")
        if command is None:
            raise Unknown("pulumi: not found; install it (https://www.pulumi.com/docs/install/) and log in")
        self._command, self._project, self._stack = command, project, stack

    def export(self) -> dict[str, Any]:
        """The stack from `pulumi stack export`, with encrypted secrets."""
        return self._json("stack", "export")

    def lock(self) -> Locked | None:
        """The lock's holder, if there is one; writes nothing.

        No command only reads the lock. Renaming a stack to its own name takes the lock, and then fails.
        Pulumi Cloud keeps no locks that outlive their update.
        """
        backend = self._json("whoami", "--json", of_stack=False).get("url") or ""
        if backend.startswith("http"):
            return None
        try:
            self._run("stack", "rename", self._stack)
        except Locked as lock:
            return lock
        except Unknown:
            pass
        return None

    def replace(self, exported: dict[str, Any], by: dict[str, Any]) -> None:
        """Replace the stack's state.

        Raises `Unknown`, with nothing written, if the stack has changed since it was `exported`, or is locked.
        """
        if self.export() != exported:
            raise Unknown(
                f"{self._stack}: something else has changed it meanwhile; nothing was written; run this again"
            )
        self._run("stack", "import", given=json.dumps(by))

    def unlock(self) -> None:
        """Remove every lock."""
        self._run("cancel", "--yes")

    def refresh(self, said: Callable[[str], None]) -> None:
        """Read every resource from its cloud. `said`: receives the CLI's progress, line by line."""
        options = ("--yes", "--skip-preview", "--non-interactive", "--suppress-outputs")
        self._run("refresh", *options, said=said)

    def _json(self, *arguments: str, of_stack: bool = True) -> dict[str, Any]:
        said = self._run(*arguments, of_stack=of_stack)
        try:
            return json.loads(said)
        except ValueError:
            raise self._no_pulumi(said) from None

    def _no_pulumi(self, said: str) -> Unknown:
        last = (said.strip().splitlines() or ["nothing"])[-1]
        return Unknown(f"{self._command}: it does not answer as Pulumi does ({last}); put a working one first on PATH")

    def _run(
        self, *arguments: str, given: str = "", of_stack: bool = True, said: Callable[[str], None] | None = None
    ) -> str:
        stack = ["--stack", self._stack] if of_stack else []
        command = [self._command, *arguments, *stack, "--color", "never"]
        if said:
            code, output, text = *self._followed(command, said), ""
        else:
            done = subprocess.run(command, cwd=self._project, input=given, capture_output=True, text=True, check=False)
            code, output, text = done.returncode, f"{done.stderr}\n{done.stdout}", done.stdout
        if code == 0:
            return text
        if found := owners(output):
            raise Locked(self._stack, found)
        if _NO_STACK in output:
            raise WrongInput(
                f"{self._stack}: no such stack in {self._project}; `pulumi stack ls` names those there are"
            )
        lines = [line for line in output.splitlines() if line.startswith("error: ")]
        if not lines:
            raise self._no_pulumi(output)
        raise Unknown(f"pulumi {' '.join(arguments[:2])}: {lines[-1].removeprefix('error: ')}")

    def _followed(self, command: list[str], said: Callable[[str], None]) -> tuple[int, str]:
        lines: list[str] = []
        with subprocess.Popen(
            command,
            cwd=self._project,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            for line in process.stdout or ():
                lines.append(line)
                said(line.rstrip())
        return process.returncode, "".join(lines)
