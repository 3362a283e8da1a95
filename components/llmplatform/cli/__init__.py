"""The `llmplatform` command."""

import sys

from llmplatform.cli.surroundings import settle

__all__ = ["main"]


def main() -> None:
    """Entry point of the console command."""
    settle()
    try:
        from llmplatform.cli import app
    except ModuleNotFoundError as missing:
        if str(missing.name).startswith("llmplatform"):
            raise
        if missing.name in sys.stdlib_module_names:
            # Another Python has replaced the environment's, as `pulumi install` does.
            sys.exit(
                f"{missing.name} is missing, a part of Python itself: the environment {sys.prefix} was made by another "
                "Python; remove it and create it again, in a checkout by `rm -rf .venv && make setup`"
            )
        sys.exit(f"{missing.name} is missing: the command line is the extra `cli` of llmplatform; install it with that")
    app.main()
