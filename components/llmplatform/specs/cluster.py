"""The Kubernetes cluster: made by us, or one that exists."""

from typing import Annotated, Literal

from pydantic import Field

from llmplatform.specs.section import Section
from llmplatform.specs.vocabulary import (
    AwsPrincipal,
    Certificate,
    Cidr,
    ClusterName,
    HttpsUrl,
    KubernetesMinor,
    SecurityGroupId,
)


class Endpoint(Section):
    """Who reaches the cluster's API. It is always reachable from within the network."""

    public_cidrs: tuple[Cidr, ...] = ()
    """Ranges on the internet that may reach it. Empty: private only, and the machine that runs Pulumi must be in
    the network, or in one of `private_cidrs`."""
    private_cidrs: tuple[Cidr, ...] = ()
    """Ranges of connected networks (VPN, peering, another office's VPC) that may reach the private endpoint."""


class NewCluster(Section):
    """A managed cluster of the environment's own."""

    kind: Literal["new"]
    kubernetes_version: KubernetesMinor
    """Minor version, in quotes. Raise it one minor at a time."""
    endpoint: Endpoint = Endpoint()
    admins: Annotated[tuple[AwsPrincipal, ...], Field(min_length=1)]
    """IAM principals that administer the cluster: whoever runs `pulumi up` has to be one of them. Nobody else gets
    in."""
    service_cidr: Cidr = "172.20.0.0/16"
    """Addresses of Services; outside the network's range."""
    log_retention_days: Literal[1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827] = 30
    """How long control-plane logs stay."""


class ExistingCluster(Section):
    """A cluster that exists. Its own nodes stay as they are; our pools are added to it.

    It must have already: the network and kube-proxy add-ons, cluster DNS, the pod identity agent, the EBS and EFS CSI
    drivers with their rights, and an entry that makes whoever runs `pulumi up` an administrator. None of it is made or
    changed here.
    """

    kind: Literal["existing"]
    name: ClusterName
    """Name of the cluster in its cloud."""
    kubernetes_version: KubernetesMinor
    """Its minor version, in quotes."""
    endpoint_url: HttpsUrl
    """API server's address."""
    certificate_authority: Certificate
    """Base64 of the API server's CA bundle (it is public)."""
    security_group_id: SecurityGroupId
    """The cluster's security group, which nodes join."""


Cluster = Annotated[NewCluster | ExistingCluster, Field(discriminator="kind")]
