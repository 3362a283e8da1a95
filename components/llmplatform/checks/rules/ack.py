"""Rules about ACK clusters and their pools."""

from collections.abc import Iterator

from llmplatform.catalog import versions
from llmplatform.checks.problems import Problem, listed, suggestion
from llmplatform.checks.rules.placement import gpu_node, is_cpu, is_system, zones
from llmplatform.specs.cluster import NewAckCluster
from llmplatform.specs.stack import AlicloudStack, Stack

EVERYWHERE = "0.0.0.0/0"
SMALLEST_DISK_GIB = 20

LAST_WITH_CGROUP_V1 = "1.34"
"""From the minor after it a kubelet refuses to start on cgroup v1. Source: ACK Kubernetes 1.35 release notes."""
CGROUP_V1 = ("alinux3",)
"""Operating systems that have it. Source: ACK user guide, "Migrate nodes to cgroup v2": of Alibaba Cloud Linux the
editions for containers have v2."""


def release_is_known(stack: Stack) -> Iterator[Problem]:
    """An exact version that is asked for is one that ACK has had, of the minor that is asked for."""
    if not isinstance(stack, AlicloudStack) or not isinstance(stack.cluster, NewAckCluster):
        return
    minor, wanted = stack.cluster.kubernetes_version, stack.cluster.release
    known = versions.ACK.get(minor)
    if wanted is None or known is None or wanted in known.releases:
        return
    other = next((release.minor for release in versions.ACK.values() if wanted in release.releases), None)
    yield Problem(
        "cluster.release",
        f"'{wanted}' is not in the table of ACK's versions of {minor}",
        f"remove it, or set cluster.kubernetes_version to '{other}'"
        if other
        else f"remove it, or use {listed(known.releases)}",
    )


def public_endpoint_is_open_to_all(stack: Stack) -> Iterator[Problem]:
    """ACK makes an endpoint on the internet for everybody or for nobody."""
    if not isinstance(stack, AlicloudStack) or not isinstance(stack.cluster, NewAckCluster):
        return
    if stack.cluster.endpoint.public_cidrs not in ((), (EVERYWHERE,)):
        yield Problem(
            "cluster.endpoint.public_cidrs",
            "ACK cannot limit its public endpoint to ranges",
            f"leave it empty, or write [{EVERYWHERE}] and give the endpoint's load balancer an access control list",
        )


def operating_systems_run_kubernetes(stack: Stack) -> Iterator[Problem]:
    """Kubelets start on the nodes' operating system; what a custom image has is its owner's to know."""
    minor = stack.cluster.kubernetes_version
    if not isinstance(stack, AlicloudStack) or _number(minor) <= _number(LAST_WITH_CGROUP_V1):
        return
    for name, pool in stack.pools.items():
        if pool.image in CGROUP_V1 and pool.image_id is None and not pool.existing:
            yield Problem(
                f"pools.{name}.image",
                f"'{pool.image}' has cgroup v1, and no kubelet of {minor} starts there: its nodes would never be ready",
                "write 'alinux3_container' or 'alinux4_container', or name an image of your own with cgroup v2 in "
                "image_id",
            )


def _number(minor: str) -> tuple[int, ...]:
    return tuple(int(part) for part in minor.split("."))


def upgrades_are_done_once(stack: Stack) -> Iterator[Problem]:
    """A request to upgrade is not part of what a stack is: the provider heeds it again at every change."""
    if not isinstance(stack, AlicloudStack):
        return
    after = "take it out again once 'pulumi up' has done it"
    if isinstance(stack.cluster, NewAckCluster) and stack.cluster.upgrade:
        yield Problem("cluster.upgrade", "every change of a pool upgrades its nodes again", after)
    for name, pool in stack.pools.items():
        if pool.renew:
            yield Problem(f"pools.{name}.renew", "every change of the pool exchanges its nodes' system disks", after)


def images_that_are_renewed_are_named(stack: Stack) -> Iterator[Problem]:
    """Nodes are brought to an image that the file names."""
    if not isinstance(stack, AlicloudStack):
        return
    for name, pool in stack.pools.items():
        if pool.renew and (pool.image_id is None or pool.existing):
            yield Problem(
                f"pools.{name}.renew",
                "another stack's pool is renewed there" if pool.existing else "no image is named to bring the nodes to",
                "remove it" if pool.existing else "write image_id, or remove it",
            )


def fixed_pools_have_one_size(stack: Stack) -> Iterator[Problem]:
    """A pool that keeps its size has one, of machines that stay."""
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


def something_keeps_the_systems_pods(stack: Stack) -> Iterator[Problem]:
    """ACK labels the nodes of autoscaled pools so that its own pods stay off them.

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


def fixed_pools_are_shared_out_evenly(stack: Stack) -> Iterator[Problem]:
    """A warning: where they cannot be, the order of the zones says which of them has a node more, or one at all."""
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


def images_are_of_linux(stack: Stack) -> Iterator[Problem]:
    """An exact image is one that pods of Linux run on."""
    if not isinstance(stack, AlicloudStack):
        return
    for name, pool in stack.pools.items():
        if pool.image_id and pool.image_id.lower().startswith("win"):
            yield Problem(
                f"pools.{name}.image_id", "an image of Windows runs none of what is installed", "write one of Linux"
            )


def volumes_are_as_large_as_disks(stack: Stack) -> Iterator[Problem]:
    """Volumes lie on disks. Source: terraform-provider-alicloud, ecs_disk: ESSD of PL1 has 20 GiB at least."""
    monitoring = stack.addons.monitoring
    if isinstance(stack, AlicloudStack) and monitoring.enabled and monitoring.storage_gib < SMALLEST_DISK_GIB:
        yield Problem(
            "addons.monitoring.storage_gib",
            f"{monitoring.storage_gib} GiB are less than the smallest disk of Alibaba Cloud",
            f"write {SMALLEST_DISK_GIB} or more",
        )


def spot_prices_are_of_spot_machines(stack: Stack) -> Iterator[Problem]:
    """A limit of the spot price is for machines that have one."""
    if not isinstance(stack, AlicloudStack):
        return
    for name, pool in stack.pools.items():
        if pool.capacity == "on_demand":
            for key in ("spot_price_limit", "spot_price_limits"):
                if getattr(pool, key):
                    yield Problem(
                        f"pools.{name}.{key}",
                        "the pool has no spot machines",
                        "remove it, or set capacity to 'spot' or 'spot_first'",
                    )
            continue
        for machine in pool.spot_price_limits:
            if machine not in pool.instance_types:
                yield Problem(
                    f"pools.{name}.spot_price_limits.{machine}",
                    "the pool does not buy it",
                    suggestion(machine, pool.instance_types),
                )
        limits = pool.price_limits
        for machine in pool.instance_types:
            if limits and machine not in limits:
                yield Problem(
                    f"pools.{name}.spot_price_limits",
                    f"'{machine}' has no limit, and others have one",
                    f"add '{machine}: …', or spot_price_limit for all that are not named",
                )


def scaler_sees_spot_machines(stack: Stack) -> Iterator[Problem]:
    """Instant scaling does not see what spot machines there are, and buys on demand while spot ones are to be had."""
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


def drivers_are_known(stack: Stack) -> Iterator[Problem]:
    """A driver that is asked for is on ACK's list: for any other ACK silently installs its default."""
    if not isinstance(stack, AlicloudStack):
        return
    for name, pool in stack.pools.items():
        path = f"pools.{name}.driver"
        if pool.driver and is_cpu(stack, pool):
            yield Problem(path, "the pool has no GPUs", "remove it")
        elif pool.driver and gpu_node(stack, pool) and pool.driver not in versions.ACK_DRIVERS:
            yield Problem(
                path,
                f"'{pool.driver}' is not on the list of ACK's drivers, and for an unknown one ACK installs "
                f"{versions.ACK_DEFAULT_DRIVER} without a word",
                suggestion(pool.driver, list(versions.ACK_DRIVERS)),
            )
