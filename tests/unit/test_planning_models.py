import pytest
from plans import ON_DEMAND, SPOT_FIRST, SPOT_OF_FOUR, model_plan, stack

from llmplatform.catalog import instance_types
from llmplatform.planning.models import plan_model, plan_models
from llmplatform.planning.pools import plan_pools

SPOT_NOTICE_SECONDS = 120


@pytest.mark.parametrize("pool", [SPOT_FIRST, SPOT_OF_FOUR])
def test_a_server_on_spot_machines_has_ended_before_the_machine_is_taken(pool: dict[str, object]) -> None:
    drain = model_plan(pool).drain
    assert drain.grace < SPOT_NOTICE_SECONDS, "the machine is gone 120 s after the notice"
    assert drain.pre_stop + drain.shutdown < drain.grace, "the process is killed while it still answers"


def test_a_server_on_machines_that_stay_finishes_long_answers() -> None:
    drain = model_plan(ON_DEMAND).drain
    assert drain.shutdown > SPOT_NOTICE_SECONDS, "nothing takes the machine, so answers need not be cut"
    assert drain.pre_stop + drain.shutdown < drain.grace


def test_a_replica_asks_for_its_gpus_part_of_the_node_and_leaves_room_for_daemonsets() -> None:
    node = instance_types.get("aws", "g5.12xlarge")
    one = model_plan(SPOT_OF_FOUR)
    four = model_plan(SPOT_OF_FOUR, tensor_parallel=4)
    assert (one.gpus, four.gpus) == (1, 4)
    assert 4 * one.memory_mib <= four.memory_mib <= node.allocatable_memory_mib - 1024, "four replicas fill one node"
    assert 4 * one.cpu_millicores <= four.cpu_millicores <= node.vcpus * 1000 - 500
    assert one.memory_mib > node.memory_mib / 4 * 0.8, "what is left over helps nobody: only models run there"


def test_shared_memory_grows_with_several_gpus_and_stays_within_the_memory() -> None:
    one, four = model_plan(SPOT_OF_FOUR), model_plan(SPOT_OF_FOUR, tensor_parallel=4)
    assert one.shm_mib == 2048
    assert four.shm_mib == 16384, "NCCL fails with less"
    tight = model_plan({"instance_types": ["g4dn.xlarge"], "max": 1}, source="Qwen/Qwen2.5-1.5B-Instruct")
    assert tight.shm_mib <= tight.memory_mib / 4, "it counts to the memory limit"


def test_the_startup_time_grows_with_the_weights_and_is_overridden_by_the_settings() -> None:
    small = model_plan()
    large = model_plan(
        {"instance_types": ["p4d.24xlarge"], "max": 1}, source="meta-llama/Llama-3.1-70B-Instruct", tensor_parallel=8
    )
    assert small.weights_gib == pytest.approx(15.3, abs=0.3)
    assert small.startup_seconds == 600
    assert 1800 <= large.startup_seconds <= 3600, "131 GiB take about half an hour from the internet"
    assert model_plan(startup_minutes=45).startup_seconds == 2700


def test_the_volume_holds_two_revisions_unless_the_settings_say_its_size() -> None:
    plan = model_plan()
    assert plan.volume_gib >= 2 * plan.weights_gib + 5
    assert model_plan(weights={"size_gib": 300}).volume_gib == 300


def test_every_model_of_the_stack_gets_a_plan_on_its_pool() -> None:
    settings = stack(
        {"gpu": SPOT_FIRST, "large": SPOT_OF_FOUR},
        {
            "chat": {"source": "Qwen/Qwen3-8B", "pool": "gpu", "context_length": 8192},
            "coder": {"source": "Qwen/Qwen3-8B", "pool": "large", "context_length": 8192},
        },
    )
    plans = plan_models(settings, plan_pools(settings))
    assert [(plan.name, plan.pool.name) for plan in plans] == [("chat", "gpu"), ("coder", "large")]


def test_a_model_of_unknown_numbers_has_no_plan() -> None:
    plan = model_plan()
    with pytest.raises(KeyError, match="somebody/unknown"):
        plan_model("chat", plan.spec.model_copy(update={"source": "somebody/unknown"}), plan.pool)
