"""What an environment left in an account after it was destroyed, and how it goes."""
