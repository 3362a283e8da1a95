"""What is wrong with an environment before money is spent on it: checks of a stack file, its tools and its account."""
