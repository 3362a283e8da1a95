"""Sandboxes for tests, and stand-ins for the programs that they start."""
