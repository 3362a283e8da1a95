"""A pool whose machines cannot be had, beside a model that serves: what both clouds' tests of it need."""

import json
from collections.abc import Mapping
from typing import Any

from support.sandboxes.sandboxed import NAMESPACE, Platform

MODEL = "qwen3-8b"
FRIENDS, OTHERS = "10.99.0.0/16", "10.98.0.0/16"
"""Ranges that a model's servers call."""


def add_pool(platform: Platform, instance_type: str, settings: Mapping[str, Any]) -> None:
    """A pool `batch`, of a type that is out of stock."""
    platform.sandbox.fault("stockout", instance_type, active=True)
    batch = {"instance_types": [instance_type], "capacity": "on_demand", "min": 1, **settings}
    platform.edit(lambda config: config["pools"].update(batch=batch))


def allow(platform: Platform, cidr: str) -> None:
    """A change that has nothing to do with the pool."""
    platform.edit(lambda config: config["models"][MODEL].update(egress=[{"cidr": cidr}]))


def allowed(platform: Platform, cidr: str) -> bool:
    with platform.kube() as kube:
        return cidr in json.dumps(list(kube.list("networking.k8s.io/v1", "NetworkPolicy", NAMESPACE)))
