"""Downloads a model's weights from a hub to a volume: once, completely, and verified on the disk.

It runs in a Job, or before a server whose weights are on its node, in images with Python and nothing of ours: its
modules are in a ConfigMap, and import only the standard library and each other.
"""
