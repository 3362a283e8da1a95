"""What a cloud gives to what runs in a cluster."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi

from llmplatform.base.contracts import DnsChallenge, WorkloadIdentity


@dataclass(frozen=True, kw_only=True)
class AutoscalerAccess:
    """What an autoscaler that runs in the cluster needs from the cloud."""

    identity: WorkloadIdentity
    group_names: Mapping[str, pulumi.Output[str]]
    """Planned node group to the name under which the autoscaler finds it."""
    other_groups: bool
    """Whether the cluster has groups that no plan names."""


@dataclass(frozen=True, kw_only=True)
class CloudServices:
    """A cluster in its cloud, as add-ons, services and model servers see it."""

    region: str
    kubernetes_version: str
    """Minor of the cluster."""
    cluster_name: pulumi.Output[str]
    """Its name; on ACK its id."""
    shared_class: pulumi.Output[str]
    """Storage class of volumes that many pods share."""
    block_class: pulumi.Output[str] | None = None
    """Storage class of disks for one pod; None: the cluster's default."""
    autoscaler: AutoscalerAccess | None = None
    """None where another stack installs the autoscaler, or the cloud runs it."""
    challenge: DnsChallenge | None = None
    """How challenges of an ACME authority are answered; None without an ACME issuer of ours."""
