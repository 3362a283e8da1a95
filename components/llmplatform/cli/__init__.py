"""The `llmplatform` command."""

from llmplatform.cli.app import main

__all__ = ["main"]
