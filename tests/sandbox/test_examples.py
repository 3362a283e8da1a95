"""The examples, as their READMEs say: every command in them runs, in their order."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.sandboxes.example_runs import OF_MODELS, blocks, copied, kinds, shell

from llmplatform_sandbox.checkpoint import Checkpoint
from llmplatform_sandbox.lifecycle import Sandbox
from llmplatform_sandbox.progress import silent

pytestmark = pytest.mark.sandbox


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    yield from copied(tmp_path_factory.mktemp("checkout"), "dev")


@pytest.mark.parametrize(
    ("example", "stack", "servers"),
    [("models-only", "dev", 2), ("models-only", "dev-ack", 2), ("fastapi-server", "dev", 1)],
)
def test_a_stack_of_models_plans_models_and_nothing_else(
    checkout: Path, example: str, stack: str, servers: int
) -> None:
    outcome = Sandbox(checkout / "examples" / example, stack, silent).preview()
    assert kinds({step.type for step in outcome.steps}) == OF_MODELS, "no network, no cluster, no nodes, no add-on"
    assert len([step for step in outcome.steps if step.type.endswith(":ModelServer")]) == servers


def test_two_models_run_on_the_platform_of_another_stack_as_the_readme_says(checkout: Path) -> None:
    up, down = blocks("models-only")
    shell(checkout, up)
    models = Sandbox(checkout / "examples" / "models-only", "dev", silent)
    snapshot = models.snapshot()
    assert snapshot.pending == ()
    serving = {pod.name.rsplit("-", 2)[0] for pod in snapshot.pods if pod.state == "Running"}
    assert serving >= {"qwen3-4b", "qwen3-1-7b", "qwen3-8b"}, "the team's two, and the platform's own"
    made = Checkpoint(models.paths, "models-only", "dev").resources()
    assert kinds({resource["type"] for resource in made}) == OF_MODELS
    refusal = shell(checkout, down.splitlines()[1], code=1)
    assert "other stacks live in this sandbox" in refusal, "the platform is not taken away under the models"
    said = shell(checkout, down)
    assert said.count("everything is gone") == 2, said


def test_another_teams_program_puts_a_pool_of_nodes_into_its_own_cluster_as_the_readme_says(checkout: Path) -> None:
    preview, up, down = blocks("component-reuse")[0].splitlines()
    assert "23 to create" in shell(checkout, preview)
    shell(checkout, up)
    snapshot = Sandbox(checkout / "examples" / "component-reuse", "dev", silent).snapshot()
    assert [(node.instance_type, node.capacity, node.state) for node in snapshot.nodes] == [
        ("g6.2xlarge", "ON_DEMAND", "Ready")
    ], "the one node that is always there is bought on demand"
    assert "everything is gone" in shell(checkout, down)
