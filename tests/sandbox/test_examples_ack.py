"""The example of models on another stack's platform, on ACK: the commands of its README with the other stack's name."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from support.sandboxes.example_runs import OF_MODELS, blocks, copied, kinds, shell

from llmplatform_sandbox.checkpoint import Checkpoint
from llmplatform_sandbox.lifecycle import Sandbox
from llmplatform_sandbox.progress import silent

pytestmark = pytest.mark.sandbox

STACK = "dev-ack"


@pytest.fixture
def checkout(tmp_path: Path) -> Iterator[Path]:
    yield from copied(tmp_path, STACK)


def commands(block: str) -> list[str]:
    return re.sub(r"\bdev\b", STACK, block).splitlines()


def made(platform: Sandbox) -> Mapping[str, object]:
    """Id of everything that the platform's program has made in the account → what it was asked for with."""
    objects = [one for cloud in platform.clouds().values() for one in cloud.objects()]
    return {one.id: one.inputs for one in objects if one.made_by.startswith("urn:")}


def test_two_models_run_on_the_platform_of_another_stack_and_leave_it_as_it_was(checkout: Path) -> None:
    up, down = (commands(block) for block in blocks("models-only"))
    platform = Sandbox(checkout, STACK, silent)
    shell(checkout, up[0])
    before = made(platform)
    shell(checkout, "\n".join(up[1:]))
    models = Sandbox(checkout / "examples" / "models-only", STACK, silent)
    snapshot = models.snapshot()
    assert snapshot.pending == ()
    serving = {pod.name.rsplit("-", 2)[0] for pod in snapshot.pods if pod.state == "Running"}
    assert serving >= {"qwen3-4b", "qwen3-1-7b", "qwen3-8b"}, "the team's two, and the platform's own"
    resources = Checkpoint(models.paths, "models-only", STACK).resources()
    assert kinds({resource["type"] for resource in resources}) == OF_MODELS
    assert set(models.up().changes) == {"same"}, "a second run finds nothing to do"
    assert "everything is gone" in shell(checkout, down[0])
    assert made(platform) == before, "the models' stack has touched what is the platform's"
