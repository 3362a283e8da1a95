"""Checks without an account: of the stack file, the charts and the tools on this machine."""
