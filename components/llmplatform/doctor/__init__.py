"""Finds faults of an environment before money is spent: checks of a stack file, its tools and its account."""
