"""Kills a sandbox many times, at random moments, and checks that the next runs recover."""
