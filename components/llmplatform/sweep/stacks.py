"""The kinds of leftovers of a stack, its former place, and the actions that sweeping needs."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from llmplatform.doctor.checks import Ask
from llmplatform.doctor.wanted import Wanted
from llmplatform.specs.addons import AckAcmeIssuer, AcmeIssuer
from llmplatform.specs.cluster import ExistingAckCluster, ExistingEksCluster
from llmplatform.sweep import alicloud, aws_names, aws_network, aws_storage
from llmplatform.sweep.kinds import Kind, Place

AWS: tuple[Kind, ...] = (*aws_network.KINDS, *aws_storage.KINDS, *aws_names.KINDS)
ALICLOUD: tuple[Kind, ...] = alicloud.KINDS


@dataclass(frozen=True, kw_only=True)
class Cloud:
    """How to sweep a cloud."""

    kinds: Sequence[Kind]
    living: Callable[[Place, Ask], Mapping[str, str]]
    """The environment's clusters that still exist, and the existing one that it used: id to display name."""
    exists: tuple[str, ...]
    """Actions that this needs."""


CLOUDS = {
    "aws": Cloud(kinds=AWS, living=aws_names.living, exists=(aws_names.EXISTS,)),
    "alicloud": Cloud(kinds=ALICLOUD, living=alicloud.living, exists=(alicloud.CLUSTERS,)),
}


def place_of(wanted: Wanted, clusters: Iterable[str] = ()) -> Place:
    """The place of a stack's environment. `clusters`: names or ids of further clusters that it had."""
    stack = wanted.stack
    issuer, cluster = stack.addons.cert_manager.issuer, stack.cluster
    zone = issuer.hosted_zone if isinstance(issuer, AcmeIssuer) else None
    if isinstance(issuer, AckAcmeIssuer):
        zone = issuer.answered_in
    known, within = {*clusters}, None
    if isinstance(cluster, ExistingEksCluster):
        within = cluster.name
    elif isinstance(cluster, ExistingAckCluster):
        within = cluster.id
    elif stack.cloud.provider == "aws":
        known.add(wanted.cluster_name)
    return Place(
        environment=stack.environment.name,
        region=stack.cloud.region,
        clusters=frozenset(known - {within}),
        within=within,
        zone=zone,
        host=stack.addons.gateway.host,
    )
