"""Hydrations of weights, and the hubs that they ask."""
