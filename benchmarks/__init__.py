"""Measures what a stack of many models costs, beside the same resources registered raw."""
