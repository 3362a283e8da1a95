"""Rules about GPUs: their machines, drivers and device plugins."""

from collections.abc import Iterator

from llmplatform.catalog import versions
from llmplatform.checks.problems import Problem, listed, suggestion
from llmplatform.checks.rules.placement import disk_gib, gpu_node, is_cpu, known_types
from llmplatform.checks.rules.rule import each_pool, whole
from llmplatform.planning.ceilings import makes_platform_and_cluster
from llmplatform.planning.pools import has_device_plugin
from llmplatform.specs.pools import ENGINE_IMAGE_GIB, GPU_DISK_GIB
from llmplatform.specs.stack import AlicloudStack, AwsStack, Stack


def gpus_are_usable(stack: Stack) -> Iterator[Problem]:
    """The instance types of a GPU pool have GPUs that Kubernetes can use."""
    for name, pool in stack.pools.items():
        for machine in known_types(stack, pool):
            if machine.unusable:
                yield Problem(
                    f"pools.{name}.instance_types[{pool.instance_types.index(machine.name)}]",
                    f"'{machine.name}' {machine.unusable}",
                    "use a type with whole GPUs, such as g5.2xlarge or g6.2xlarge",
                )


def gpu_nodes_have_disks(stack: Stack) -> Iterator[Problem]:
    """A GPU node's disk has room for an engine's image."""
    for name, pool in stack.pools.items():
        of_its_own = disk_gib(stack, pool) == pool.disk_gib
        if gpu_node(stack, pool) and of_its_own and pool.disk_gib < GPU_DISK_GIB and not pool.existing:
            yield Problem(
                f"pools.{name}.disk_gib",
                f"{pool.disk_gib} GiB are too few for a GPU node: an engine's image alone unpacks to "
                f"{ENGINE_IMAGE_GIB} GiB",
                f"write {GPU_DISK_GIB} or more",
            )


def gpu_pools_are_the_platforms(stack: Stack) -> Iterator[Problem]:
    """A stack on another platform adds no GPU pools: they would be outside its quota, priorities and device plugin."""
    if not stack.platform.kind == stack.cluster.kind == "existing":
        return
    for name, pool in stack.pools.items():
        if gpu_node(stack, pool) and not pool.existing:
            yield Problem(
                f"pools.{name}",
                "another stack's platform counts, fills and offers no GPUs but those of its own pools",
                "declare the pool in the platform's stack, and let 'llmplatform use-platform' write it here",
            )


def only_one_offers_gpus(stack: Stack) -> Iterator[Problem]:
    """The operator's device plugin runs on all GPU nodes or on none: two on one node would both offer its GPUs."""
    if not isinstance(stack, AwsStack) or stack.platform.kind != "new" or not stack.addons.gpu_operator.enabled:
        return
    bare, own = _gpu_pools(stack, with_plugin=False), _gpu_pools(stack, with_plugin=True)
    if bare and own:
        yield Problem(
            f"pools.{own[0]}.image",
            f"Bottlerocket has a device plugin of its own, and pool {listed(bare, 'and')} needs the operator's, "
            "which would offer the GPUs here a second time",
            "use one image for all GPU pools",
        )


def _gpu_pools(stack: AwsStack, *, with_plugin: bool) -> list[str]:
    """Pools with GPUs, by whether their nodes include a device plugin."""
    return [
        name for name, pool in stack.pools.items() if gpu_node(stack, pool) and has_device_plugin(pool) == with_plugin
    ]


def something_offers_gpus(stack: Stack) -> Iterator[Problem]:
    """GPU nodes have a device plugin: the operator's, or Bottlerocket's. An existing cluster may have its own."""
    if not makes_platform_and_cluster(stack) or stack.addons.gpu_operator.enabled:
        return
    bare = _gpu_pools(stack, with_plugin=False)
    if bare:
        yield Problem(
            "addons.gpu_operator.enabled",
            f"without it nothing offers the GPUs of pool {listed(bare, 'and')} to Kubernetes",
            "write true, or set the pool's image to 'bottlerocket', which has a device plugin of its own",
        )


def drivers_are_known(stack: Stack) -> Iterator[Problem]:
    """An NVIDIA driver version is on ACK's list: for any other, ACK silently installs its default."""
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


PROBLEMS = (
    *each_pool(gpus_are_usable, gpu_nodes_have_disks, gpu_pools_are_the_platforms),
    *whole(only_one_offers_gpus, something_offers_gpus),
    *each_pool(drivers_are_known),
)
