"""AWS beyond its table of facts."""
