"""Where the clouds, the add-ons and the services meet: what each promises to the others.

The conformance tests hold every cloud to this: a third cloud begins with a line in their table.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

import pulumi


class Network(Protocol):
    """A network with a private subnet in each zone."""

    network_id: pulumi.Output[str]
    private_subnet_ids: Mapping[str, pulumi.Output[str]]
    """Zone to subnet of nodes. Whoever uses one waits for its way to the internet, and leaves before that goes."""
    public_subnet_ids: Mapping[str, pulumi.Output[str]]
    """Zone to subnet of internet-facing load balancers."""


class Cluster(Protocol):
    """A conformant Kubernetes cluster that can be logged in to."""

    cluster_name: pulumi.Output[str]
    kubeconfig: pulumi.Output[str]
    """JSON, with an exec plugin and no token. Whoever uses it waits until the administrators are let in."""
    endpoint_url: pulumi.Output[str]
    """API server's address."""
    certificate_authority: pulumi.Output[str]
    """Base64 of the API server's CA bundle, which is public."""
    security_group_id: pulumi.Output[str]
    """Security group of its nodes."""


class NodePool(Protocol):
    """Nodes that pods can be placed on."""

    group_names: Mapping[str, pulumi.Output[str]]
    """Planned group name to the name under which an autoscaler finds it."""

    @property
    def groups(self) -> Sequence[pulumi.Resource]:
        """What makes its nodes, for what needs them."""
        ...


class WorkloadIdentity(Protocol):
    """The right of one Kubernetes service account to act in the cloud, without a key."""

    namespace: pulumi.Output[str]
    service_account: pulumi.Output[str]
    annotations: Mapping[str, pulumi.Output[str]]
    """Annotations that the service account must carry; empty where the cloud needs none."""
    namespace_labels: Mapping[str, str]
    """Labels that the service account's namespace must carry; empty where the cloud needs none."""


class Storage(Protocol):
    """Storage classes."""

    block_class: pulumi.Output[str]
    """Class of encrypted volumes for one pod; the cluster's default."""
    shared_class: pulumi.Output[str]
    """Class of volumes for many pods at once. Whoever uses it waits until it can be mounted."""


class DnsChallenge(WorkloadIdentity, Protocol):
    """The right to prove, by DNS records, that we own a domain: cert-manager's own, or its webhook's."""

    solver: Mapping[str, object]
    """The solver of cert-manager's ACME issuers."""
    credentials: tuple[str, int] | None
    """Range and TCP port where pods of the identity get their credentials; None where HTTPS to the cloud is all."""
    webhook: str | None
    """Chart of the solver that has the identity, in a namespace of the same name; None: cert-manager itself has it."""
    role_name: pulumi.Output[str] | None
    """Role that the webhook takes; known when its rights are there."""
