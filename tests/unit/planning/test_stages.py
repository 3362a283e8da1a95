"""How a replica is spread over nodes, what the largest stage holds, and how many replicas a pool has room for."""

import pytest
from support.plans import model_plan, stack

from llmplatform.catalog import gpus, models
from llmplatform.planning.ceilings import room
from llmplatform.planning.fit import model_fit, weights_gib
from llmplatform.planning.stages import spread, stage
from llmplatform.specs.models import Model

FOUR = {"instance_types": ["g6.12xlarge"], "max": 4, "zones": ["us-east-1a"]}
LARGE = {"source": "Qwen/Qwen2.5-72B-Instruct", "context_length": 8192}
BIG = {**LARGE, "pool": "gpu"}


def model(tensor_parallel: int, pipeline_parallel: int) -> Model:
    return Model.model_validate({**BIG, "tensor_parallel": tensor_parallel, "pipeline_parallel": pipeline_parallel})


@pytest.mark.parametrize(
    ("gpus_of_a_node", "tensor", "pipeline", "nodes", "each"),
    [
        (8, 8, 1, 1, 8),
        (8, 8, 2, 2, 8),
        (8, 4, 4, 2, 8),
        (4, 4, 4, 4, 4),
        (8, 4, 3, 3, 4),
        (8, 2, 2, 1, 4),
        (1, 1, 4, 4, 1),
        (0, 1, 1, 1, 1),
    ],
)
def test_a_pod_has_as_many_whole_stages_as_a_node_holds(
    gpus_of_a_node: int, tensor: int, pipeline: int, nodes: int, each: int
) -> None:
    found = spread(model(tensor, pipeline), gpus_of_a_node)
    assert (found.nodes, found.gpus) == (nodes, each)
    assert found.nodes * found.gpus == model(tensor, pipeline).gpus


@pytest.mark.parametrize("stages", [2, 3, 4, 7])
@pytest.mark.parametrize("name", ["Qwen/Qwen2.5-72B-Instruct", "google/gemma-3-27b-it", "deepseek-ai/DeepSeek-V3.1"])
def test_the_largest_stage_has_its_share_of_the_layers_and_one_matrix_of_the_vocabulary(name: str, stages: int) -> None:
    """vLLM 0.33.0, wheel: distributed/utils.py, get_pp_indices: no stage has more than the share, rounded up."""
    whole, part = models.known(name), stage(models.known(name), stages)
    table = whole.vocabulary * whole.hidden_size * 2 / 2**30
    inner = weights_gib(whole) - table * (1 if whole.tied_embeddings else 2)
    layers = -(-whole.layers // stages)
    assert weights_gib(part) == pytest.approx(inner * layers / whole.layers + table)
    assert stage(whole, 1) is whole


@pytest.mark.parametrize("name", ["google/gemma-3-27b-it", "Qwen/Qwen3-Next-80B-A3B-Instruct"])
def test_where_layers_differ_stages_are_planned_with_no_fewer_than_they_have(name: str) -> None:
    whole = models.known(name)
    kept = (whole.kv_layers or whole.layers) - (whole.window_layers or 0)
    for stages in (2, 4):
        part = stage(whole, stages)
        full = (part.kv_layers or part.layers) - (part.window_layers or 0)
        assert full * stages >= kept
        assert (part.window_layers or 0) * stages >= (whole.window_layers or 0)
        assert part.state_mib * stages >= whole.state_mib


def test_a_model_that_no_node_holds_fits_several() -> None:
    gpu = gpus.get("H100")
    one = Model.model_validate({"source": "deepseek-ai/DeepSeek-V3.1", "pool": "gpu", "tensor_parallel": 8})
    two = one.model_copy(update={"pipeline_parallel": 2})
    assert not model_fit(one, gpu).fits
    assert model_fit(two, gpu).fits
    assert 0.5 < model_fit(two, gpu).weights_gib / model_fit(one, gpu).weights_gib < 0.55


def test_a_plan_has_pods_of_a_nodes_share_and_the_time_in_which_the_other_nodes_come() -> None:
    plan = model_plan(FOUR, **LARGE, tensor_parallel=4, pipeline_parallel=4)
    alone = model_plan({"instance_types": ["g5.48xlarge"], "max": 1}, **LARGE, tensor_parallel=8)
    assert (plan.nodes, plan.gpus) == (4, 4)
    assert (alone.nodes, alone.gpus) == (1, 8)
    assert plan.startup_seconds >= alone.startup_seconds + plan.start.node_seconds, "the other nodes come meanwhile"
    said = model_plan(FOUR, **LARGE, tensor_parallel=4, pipeline_parallel=4, startup_minutes=30)
    assert said.startup_seconds == 1800, "the settings have the last word"


@pytest.mark.parametrize(("most", "groups"), [(4, 1), (7, 1), (8, 2)])
def test_a_pool_has_room_for_whole_groups_alone(most: int, groups: int) -> None:
    scaled = {**BIG, "tensor_parallel": 4, "pipeline_parallel": 4, "scaling": {"requests": 10, "max_replicas": 2}}
    wanted = stack({"gpu": {**FOUR, "max": 8}}, {"chat": scaled})
    pool = wanted.pools["gpu"].model_copy(update={"max": most})
    assert room(wanted.model_copy(update={"pools": {"gpu": pool}}), "chat") == groups
