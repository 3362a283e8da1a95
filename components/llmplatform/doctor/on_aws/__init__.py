"""Checks of an account of AWS."""
