"""Kills a sandbox over and over, at moments drawn at random, and checks what the next runs make of it."""
