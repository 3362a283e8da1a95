"""The contracts between clouds, add-ons and services.

The conformance tests check every cloud against them: a third cloud begins with a line in their table.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

import pulumi


class Network(Protocol):
    """A network with a private subnet in each zone."""

    network_id: pulumi.Output[str]
    private_subnet_ids: Mapping[str, pulumi.Output[str]]
    """Zone to subnet of nodes. Depends on its default route."""
    public_subnet_ids: Mapping[str, pulumi.Output[str]]
    """Zone to subnet of internet-facing load balancers."""


class Cluster(Protocol):
    """A conformant Kubernetes cluster and its login."""

    cluster_name: pulumi.Output[str]
    kubeconfig: pulumi.Output[str]
    """JSON, with an exec plugin and no token. Depends on the administrators' access."""
    endpoint_url: pulumi.Output[str]
    """Address of the API server."""
    certificate_authority: pulumi.Output[str]
    """Base64 of the API server's CA bundle, which is public."""
    security_group_id: pulumi.Output[str]
    """Security group of its nodes."""


class NodePool(Protocol):
    """Nodes for pods."""

    group_names: Mapping[str, pulumi.Output[str]]
    """Planned group name to the autoscaler's name of the group."""

    @property
    def groups(self) -> Sequence[pulumi.Resource]:
        """What makes its nodes, for what needs them."""
        ...


class WorkloadIdentity(Protocol):
    """The rights of one Kubernetes service account in the cloud, without a key."""

    namespace: pulumi.Output[str]
    service_account: pulumi.Output[str]
    annotations: Mapping[str, pulumi.Output[str]]
    """Annotations that the service account needs; empty if the cloud needs none."""
    namespace_labels: Mapping[str, str]
    """Labels that the service account's namespace needs; empty if the cloud needs none."""


class Storage(Protocol):
    """Storage classes."""

    block_class: pulumi.Output[str]
    """Class of encrypted volumes for one pod; the cluster's default."""
    shared_class: pulumi.Output[str]
    """Class of volumes for many pods at once. Depends on the mount targets and rights."""


class DnsChallenge(WorkloadIdentity, Protocol):
    """The right to prove ownership of a domain by DNS records: of cert-manager itself, or of its webhook."""

    solver: Mapping[str, object]
    """The solver of cert-manager's ACME issuers."""
    credentials: tuple[str, int] | None
    """Range and TCP port where pods of the identity get credentials; None if HTTPS to the cloud is enough."""
    webhook: str | None
    """Chart of the solver with the identity, in a namespace of the same name; None: cert-manager itself."""
    role_name: pulumi.Output[str] | None
    """Role of the webhook. Depends on its rights."""
