"""A small client for a Kubernetes API server: apply, watch, wait and delete."""
