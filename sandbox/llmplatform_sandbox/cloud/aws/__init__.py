"""What AWS does beyond its table of facts."""
