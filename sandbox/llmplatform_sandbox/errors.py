"""The error that every command of the sandbox turns into a sentence and an exit code."""

from pathlib import Path

from llmplatform_sandbox.called import called


class SandboxError(Exception):
    """An error that the user can act on. The message says what is wrong and what to do; no traceback is shown."""

    def __init__(self, message: str, *, exit_code: int = 1) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def damaged(file: Path) -> SandboxError:
    """The error for a missing or unreadable file of a sandbox's own."""
    stack = file.parts[file.parts.index(".sandbox") + 1] if ".sandbox" in file.parts[:-2] else "STACK"
    remedy = f"`{called()} sandbox down {stack} --force` forgets the sandbox"
    return SandboxError(f"{file}: missing or damaged; {remedy}")
