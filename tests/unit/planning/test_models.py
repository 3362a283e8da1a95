import pytest
from support.plans import ON_DEMAND, SPOT_FIRST, SPOT_OF_FOUR, model_plan, stack
from support.program import STACKS, stack_config

from llmplatform.catalog import instance_types
from llmplatform.checks import parse
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


@pytest.mark.parametrize("gpus", [1, 4])
def test_a_replica_leaves_a_fifth_of_its_share_of_the_node_to_daemonsets(gpus: int) -> None:
    """Collectors of logs, scanners and agents of the account's owners, which the platform does not know."""
    node = instance_types.get("aws", "g5.12xlarge")
    plan = model_plan(SPOT_OF_FOUR, tensor_parallel=gpus)
    assert plan.gpus == gpus
    assert plan.cpu_millicores <= node.allocatable_millicores * gpus / node.gpus * 0.8
    assert plan.memory_mib <= node.allocatable_memory_mib * gpus / node.gpus * 0.8
    assert plan.memory_mib > node.memory_mib * gpus / node.gpus * 0.7, "weights pass through memory on their way"


def test_a_machine_of_ack_has_less_left_than_one_of_eks() -> None:
    """ACK, "Resource reservation policy": a node with 4 CPUs offers 3900m. EKS: amazon-eks-ami keeps 80m of 4."""
    four = instance_types.get("alicloud", "ecs.g7.xlarge")
    assert (four.vcpus, four.allocatable_millicores) == (4, 3900)
    assert instance_types.get("aws", "m7i.xlarge").allocatable_millicores == 3920


def test_the_settings_say_what_a_replica_asks_for() -> None:
    plan = model_plan(resources={"cpu": 2.5, "memory_gib": 20, "shm_gib": 4})
    assert (plan.cpu_millicores, plan.memory_mib, plan.shm_mib) == (2500, 20480, 4096)


def test_shared_memory_grows_with_several_gpus_and_stays_within_the_memory() -> None:
    one, four = model_plan(SPOT_OF_FOUR), model_plan(SPOT_OF_FOUR, tensor_parallel=4)
    assert one.shm_mib == 2048
    assert four.shm_mib == 16384, "NCCL fails with less"
    tight = model_plan({"instance_types": ["g4dn.xlarge"], "max": 1}, source="Qwen/Qwen2.5-1.5B-Instruct")
    assert tight.shm_mib <= tight.memory_mib / 4, "it counts to the memory limit"


def test_the_startup_time_is_for_loading_and_compiling_unless_the_settings_say_more() -> None:
    large = {"instance_types": ["p4d.24xlarge"], "max": 1}
    settings = {"source": "Qwen/Qwen2.5-72B-Instruct", "tensor_parallel": 8}
    assert model_plan().weights_gib == pytest.approx(15.3, abs=0.3)
    assert model_plan().startup_seconds == 660
    assert 1000 < model_plan(large, **settings).startup_seconds < 1500, "no download is in it"
    assert model_plan(startup_minutes=45).startup_seconds == 2700


def test_hydration_may_take_as_long_as_the_way_to_the_internet_asks_for_all_that_comes_at_once() -> None:
    """ACK: 200 Mbit/s of one NAT address, which all models of a stack may share; the first of them may come last."""
    for name in STACKS:
        raw = {key.removeprefix("llmplatform:"): value for key, value in stack_config(name).items()}
        settings = parse(raw, name)
        mbits = 200 if settings.cloud.provider == "alicloud" else 1000
        plans = plan_models(settings, plan_pools(settings))
        bits = sum(plan.weights_gib for plan in plans) * 2**30 * 8
        assert all(plan.hydration_seconds >= 1.5 * bits / (mbits * 1e6) for plan in plans), name


def test_weights_that_each_node_fetches_come_as_often_as_there_are_replicas() -> None:
    pool = {"instance_types": ["g5.2xlarge"], "max": 40}
    many = model_plan(pool, replicas=40, weights={"cache": "node"})
    assert many.hydration_seconds > 5 * model_plan(pool, replicas=40).hydration_seconds


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
    with pytest.raises(KeyError, match="another/unknown"):
        plan_model("chat", plan.spec.model_copy(update={"source": "another/unknown"}), plan.pool)
