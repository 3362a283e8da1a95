"""Jobs that run to their end, or on a schedule: one module a kind, named like its settings."""
