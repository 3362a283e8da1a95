"""Runs a Pulumi Python project on the real engine and a real Kubernetes control plane, with simulated clouds."""
