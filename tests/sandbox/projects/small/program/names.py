"""A module of the program's own, found as Pulumi's language host finds it."""

NAMESPACE = "small"
