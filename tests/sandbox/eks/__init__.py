"""Tests that share a sandbox of the dev stack, one after the other."""
