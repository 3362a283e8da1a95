"""Recovery after a killed run: makes a stack's state and its cloud agree again."""
