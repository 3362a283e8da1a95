"""Finds and deletes what a destroyed environment left in its account."""
