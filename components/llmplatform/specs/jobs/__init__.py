"""Settings of jobs that run to their end, or on a schedule."""
