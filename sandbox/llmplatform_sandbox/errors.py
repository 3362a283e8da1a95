"""The error that every command of the sandbox turns into a sentence and an exit code."""


class SandboxError(Exception):
    """Something the user can act on. The message says what is wrong and what to do; no traceback is shown."""

    def __init__(self, message: str, *, exit_code: int = 1) -> None:
        super().__init__(message)
        self.exit_code = exit_code
