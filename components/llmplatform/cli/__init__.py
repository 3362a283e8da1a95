"""The `llmplatform` command."""

import sys

__all__ = ["main"]


def main() -> None:
    """Entry point of the console command."""
    try:
        from llmplatform.cli import app
    except ModuleNotFoundError as missing:
        if str(missing.name).startswith("llmplatform"):
            raise
        sys.exit(f"{missing.name} is missing: the command line is the extra `cli` of llmplatform; install it with that")
    app.main()
