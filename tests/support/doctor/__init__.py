"""Checks of accounts against recorded answers."""
