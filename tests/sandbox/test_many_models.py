"""More models than the engine works on at once, on machines that are not there yet."""

import os
from pathlib import Path

import pytest
from support.sandboxes.sandboxed import Config, platform_of

pytestmark = pytest.mark.sandbox

MODELS = 4 * (os.cpu_count() or 1) + 4
"""The engine works on four resources per core at once (pulumi/pulumi: pkg/cmd/pulumi/operations/up.go,
`defaultParallel`), and each server that waits for its node is one of them."""


def crowd(config: Config) -> None:
    """Each model on a machine of its own."""
    (model,) = config["models"].values()
    (pool,) = [each for name, each in config["pools"].items() if name == model["pool"]]
    config["models"].clear()
    config["models"].update({f"model-{number:02}": {**model, "replicas": 1} for number in range(MODELS)})
    pool["max"] = MODELS


@pytest.mark.parametrize("stack", ["dev", "dev-ack"])
def test_servers_that_wait_for_nodes_do_not_keep_the_autoscaler_from_making_them(stack: str, tmp_path: Path) -> None:
    for platform in platform_of(stack, tmp_path):
        platform.edit(crowd)
        outcome = platform.up()
        assert outcome.changes["create"] > 9 * MODELS
        assert all(platform.available(f"model-{number:02}") for number in range(MODELS))
        assert set(platform.up().changes) == {"same"}, "a second run changes nothing"
