"""Checks that ask nobody: of the stack file, the charts and the tools on this machine."""
