"""Inference engines: what to start for a plan. Pure functions, one module for each engine."""
