"""What a killed run left behind, and how a stack and its cloud agree again."""
