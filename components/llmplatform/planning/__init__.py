"""What follows: fit, placement and capacity, as pure functions of settings and catalog."""
