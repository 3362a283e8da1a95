"""ACK's autoscaler: which pools it fills, in which order, and that it never knows a pool that is gone."""

from typing import Any

import pytest
from support.alicloud_platform import POOLS, built, node_pool, plan, stack, whole

from llmplatform import alicloud
from llmplatform.planning.pools import PoolPlan, plan_pools
from llmplatform.specs.addons import AckAutoscaler
from llmplatform.specs.pools import AlicloudPool
from llmplatform.testing import RecordingEngine

_CONFIG = "alicloud:cs/autoscalingConfig:AutoscalingConfig"
_POOL = "alicloud:cs/nodePool:NodePool"


def _config(
    *pools: PoolPlan, preview: bool = False, failed: frozenset[str] = frozenset(), **spec: Any
) -> dict[str, Any]:
    def program() -> None:
        made = [node_pool(pool) for pool in pools]
        args = alicloud.AutoscalerConfigArgs(
            spec=AckAutoscaler.model_validate(spec),
            cluster_id="c1",
            pools=pools,
            group_names={name: group for each in made for name, group in each.group_names.items()},
        )
        alicloud.AutoscalerConfig("autoscaler", args)

    return RecordingEngine(preview=preview, failed=failed).run(program).one(_CONFIG).inputs


def _scaled(engine: RecordingEngine) -> set[str]:
    """Scaling groups of pools that an autoscaler drives."""
    return {f"asg-{found.name}" for found in engine.all(_POOL) if "scalingConfig" in found.inputs}


def test_spot_pools_are_filled_before_on_demand_pools() -> None:
    config = _config(plan("a10"), plan("system", scaling="auto", max=4))
    assert config["expander"] == "priority"
    assert config["priorities"] == {"50": "asg-a10-spot", "10": "asg-a10-on-demand,asg-system-j,asg-system-k"}


def test_every_group_of_every_pool_has_a_priority() -> None:
    named = {each for ids in whole().one(_CONFIG).inputs["priorities"].values() for each in ids.split(",")}
    assert named == _scaled(whole()), "a group that is not named is never filled"
    assert "asg-system-j" not in named, "a pool of fixed size is none of the autoscaler's"


def test_it_names_exactly_the_pools_that_there_are() -> None:
    fewer = stack(pools={name: AlicloudPool.model_validate(POOLS[name]) for name in ("system", "a10")})
    engine = built(fewer)
    named = {each for ids in engine.one(_CONFIG).inputs["priorities"].values() for each in ids.split(",")}
    assert named == _scaled(engine)
    assert "asg-l20-nodes" not in named, "the configuration changes before the pool that left is deleted"


def test_it_is_skipped_for_no_pool_that_fails_and_names_the_others() -> None:
    # The engine skips what depends on a failed resource: pulumi/pulumi, deployment_executor.go, doesStepDependOn.
    engine = whole()
    assert [pool.name for pool in engine.all(_POOL) if engine.waits_for(engine.one(_CONFIG), pool)] == [
        "system-j",
        "system-k",
    ], "the bench makes it after the pool whose nodes others need"
    pools = (plan("a10"), plan("l20"))
    failed = frozenset({"a10-spot"})
    assert _config(*pools, failed=failed)["priorities"] == {"50": "asg-l20-nodes", "10": "asg-a10-on-demand"}
    assert _config(*pools, failed=frozenset({"a10-spot", "a10-on-demand", "l20-nodes"}))["priorities"] == {}


def test_pools_grow_from_zero_and_shrink_again() -> None:
    config = _config(plan("a10"))
    assert config["scaleUpFromZero"] is True
    assert config["scaleDownEnabled"] is True


def test_a_node_stays_idle_as_long_as_the_settings_say() -> None:
    config = _config(plan("a10"), scale_down_minutes=25)
    assert config["unneededDuration"] == config["coolDownDuration"] == "25m", "read back swapped, they must be equal"


def test_pods_have_the_time_to_end_that_a_model_server_takes() -> None:
    from llmplatform.planning.models import ORDERLY_GRACE_SECONDS

    assert _config(plan("a10"))["maxGracefulTerminationSec"] > ORDERLY_GRACE_SECONDS


def test_a_flag_that_the_provider_would_not_send_is_not_pretended() -> None:
    assert not [key for key, value in _config(plan("a10")).items() if value is False], "GetOk drops what is false"


def test_it_is_the_scaler_that_sees_spot_machines() -> None:
    assert _config(plan("a10"))["scalerType"] == "cluster-autoscaler"


def test_the_quick_scaler_knows_no_priorities() -> None:
    config = _config(plan("system", scaling="auto", max=4), scaler="goatscaler")
    assert (config["scalerType"], config["expander"]) == ("goatscaler", "least-waste")
    assert "priorities" not in config


def test_a_preview_shows_it_before_there_is_a_pool() -> None:
    assert _config(*plan_pools(stack()), preview=True)["expander"] == "priority"


@pytest.mark.parametrize("gone", ["a10", "l20"])
def test_no_pool_depends_on_the_configuration(gone: str) -> None:
    engine = whole()
    config = engine.one(_CONFIG)
    pools = [found for found in engine.all(_POOL) if found.name.startswith(gone)]
    assert pools
    assert not any(engine.waits_for(pool, config) for pool in pools), "it would keep a pool from being deleted"
