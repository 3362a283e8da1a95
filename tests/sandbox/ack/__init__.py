"""Tests that share a sandbox of the dev-ack stack, one after the other."""
