"""Brings a model's weights from a hub to a volume: once, whole, and checked on the disk.

It runs in a Job, or before a server whose weights stay on its node, in images that have Python and nothing of ours: its
modules travel in a ConfigMap, and import the standard library and each other alone.
"""
