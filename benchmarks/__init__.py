"""Measures stacks of many models, beside the same resources registered raw."""
