"""Services beside the models: one module each, named like its settings."""
