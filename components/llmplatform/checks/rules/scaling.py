"""Rules about the number of nodes, and about the autoscaler."""

from collections.abc import Iterator, Mapping

from llmplatform.checks.problems import Problem, listed
from llmplatform.checks.rules.placement import is_cpu, is_system, known_types, most_nodes, zones
from llmplatform.checks.rules.pools import SYSTEM_TYPE
from llmplatform.checks.rules.rule import each_pool, whole
from llmplatform.planning.ceilings import has_no_autoscaler
from llmplatform.planning.node_groups import is_fixed
from llmplatform.specs.cluster import NewAckCluster
from llmplatform.specs.pools import Pool
from llmplatform.specs.stack import AlicloudStack, Stack

TOGETHER = "DNS, the autoscaler and the drivers of the volumes"
"""Pods that run on nodes without GPUs and that everything depends on."""


def something_runs_the_system(stack: Stack) -> Iterator[Problem]:
    """A new cluster keeps at least one node without GPUs and without spot, where system pods and the autoscaler run."""
    if stack.cluster.kind != "new" or any(not known_types(stack, pool) for pool in stack.pools.values()):
        return
    system = {name: pool for name, pool in stack.pools.items() if is_system(stack, pool)}
    tainted = next((name for name, pool in stack.pools.items() if is_cpu(stack, pool)), None)
    if not system and tainted:
        yield Problem(
            f"pools.{tainted}.taints",
            f"every pool without GPUs has taints: {TOGETHER} have nowhere to run",
            "add a pool without GPUs and taints, or remove them here",
        )
    elif not system:
        yield Problem(
            "pools",
            (
                "no pool without GPUs: GPU nodes are tainted, so that DNS, the autoscaler and the other "
                "add-ons have nowhere to run"
            ),
            f"add a pool such as 'system: {{instance_types: [{SYSTEM_TYPE[stack.cloud.provider]}], min: 2, max: 4}}'",
        )
    elif not any(pool.min and pool.capacity != "spot" for pool in system.values()):
        yield _unkept(system)


def _unkept(system: Mapping[str, Pool]) -> Problem:
    """Pools without GPUs that keep no node, each with its remedy."""
    lasting = next((name for name, pool in system.items() if pool.capacity != "spot"), None)
    if lasting is None:
        name, pool = next(iter(system.items()))
        return Problem(
            f"pools.{name}.capacity",
            f"all nodes without GPUs are spot machines: {TOGETHER} would all go at once",
            "write 'on_demand' or 'spot_first'" + ("" if pool.min else ", and 'min: 2'"),
        )
    if any(pool.min for pool in system.values()):
        fault = f"only spot machines without GPUs are kept: {TOGETHER} would all go at once"
    else:
        fault = "no pool without GPUs keeps a node, so that the autoscaler itself has nowhere to run"
    return Problem(f"pools.{lasting}.min", fault, "write 'min: 2'")


def something_adds_nodes(stack: Stack) -> Iterator[Problem]:
    """A pool that starts from zero needs an autoscaler. An existing cluster may have its own."""
    if not has_no_autoscaler(stack):
        return
    for name, pool in stack.pools.items():
        if pool.min == 0 and not pool.existing:
            yield Problem(
                f"pools.{name}.min",
                "the pool starts from no node, and without cluster_autoscaler none is added",
                f"write 'min: {pool.max}', or set addons.cluster_autoscaler.enabled to true",
            )


def something_keeps_the_systems_pods(stack: Stack) -> Iterator[Problem]:
    """ACK labels the nodes of autoscaled pools, and its own pods avoid them.

    Source: terraform-provider-alicloud 2.0, documentation of alicloud_cs_kubernetes_node_pool, note on auto scaling.
    """
    if not isinstance(stack, AlicloudStack) or not isinstance(stack.cluster, NewAckCluster):
        return
    system = {name: pool for name, pool in stack.pools.items() if is_system(stack, pool)}
    if system and all(pool.scaling == "auto" for pool in system.values()):
        name, pool = next(iter(system.items()))
        yield Problem(
            f"pools.{name}.scaling",
            "the autoscaler drives every pool without GPUs, and ACK keeps its own pods (DNS, metrics) off such nodes",
            f"write 'fixed', with min and max {max(pool.min, 2)}, before the pool is made",
        )


def fixed_pools_have_one_size(stack: Stack) -> Iterator[Problem]:
    """A `fixed` pool has `min` equal to `max`, and no spot machines."""
    if not isinstance(stack, AlicloudStack):
        return
    for name, pool in stack.pools.items():
        if pool.scaling != "fixed" or pool.existing:
            continue
        if pool.capacity != "on_demand":
            yield Problem(
                f"pools.{name}.scaling",
                "spot machines come and go, and a pool of fixed size keeps its nodes",
                "remove it, or set capacity to 'on_demand'",
            )
        if pool.min != pool.max:
            yield Problem(
                f"pools.{name}.max",
                f"the pool keeps {pool.min} nodes, and max says {pool.max}",
                f"write the number of nodes as min and max, such as {max(pool.min, 1)}, or set scaling to 'auto'",
            )


def warm_nodes_can_be_kept(stack: Stack) -> Iterator[Problem]:
    """Warm nodes have GPUs, belong to this stack, leave room below `max`, and are bought by an autoscaler."""
    for name, pool in stack.pools.items():
        if not pool.warm:
            continue
        fault = None
        if pool.existing:
            fault = "another stack or tool makes the pool's nodes", "remove it, or set it where the pool is made"
        elif is_cpu(stack, pool):
            fault = "placeholders hold GPUs, and the pool has none", "remove it, or write a larger min"
        elif has_no_autoscaler(stack) or is_fixed(pool):
            fault = "no autoscaler adds nodes to the pool", "remove it, or write a larger min"
        elif pool.warm >= (most := most_nodes(stack, pool)):
            fault = f"of the pool's {most} nodes none is left for models", f"write less than {most}, or raise max"
        if fault:
            yield Problem(f"pools.{name}.warm", *fault)


def fixed_pools_are_shared_out_evenly(stack: Stack) -> Iterator[Problem]:
    """A warning: nodes that do not divide by the zones are assigned in the order of the zones."""
    if not isinstance(stack, AlicloudStack):
        return
    for name, pool in stack.pools.items():
        places = zones(stack, pool)
        if pool.scaling == "fixed" and not pool.existing and not pool.zones and places and pool.min % len(places):
            yield Problem(
                f"pools.{name}.min",
                f"{pool.min} nodes are shared out over {len(places)} zones in the order of cloud.zones: another zone, "
                "or order, removes nodes that run",
                f"write pools.{name}.zones, with the zones that have nodes, or as many nodes for each zone",
            )


def scaler_sees_spot_machines(stack: Stack) -> Iterator[Problem]:
    """Instant scaling ignores the stock of spot machines, and buys on demand although spot machines are available."""
    if not isinstance(stack, AlicloudStack) or stack.addons.cluster_autoscaler.scaler != "goatscaler":
        return
    spot = [name for name, pool in stack.pools.items() if pool.capacity != "on_demand" and not pool.existing]
    if spot and stack.platform.kind == "new":
        yield Problem(
            "addons.cluster_autoscaler.scaler",
            f"goatscaler does not see which spot machines there are, and knows no priorities; pool "
            f"{listed(spot, 'and')} {'has' if len(spot) == 1 else 'have'} spot machines",
            "use 'cluster-autoscaler', or set the pool's capacity to 'on_demand'",
        )


PROBLEMS = (
    *whole(something_runs_the_system),
    *each_pool(something_adds_nodes, fixed_pools_have_one_size, warm_nodes_can_be_kept),
    *whole(scaler_sees_spot_machines),
)
WARNINGS = whole(something_keeps_the_systems_pods, fixed_pools_are_shared_out_evenly)
