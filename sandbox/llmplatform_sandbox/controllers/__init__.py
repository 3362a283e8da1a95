"""The real controllers of charts, run on this machine against the sandbox's API server while their release is there."""
