"""Where a cluster's API server is, and the certificate that it shows."""

from collections.abc import Sequence

import pulumi
import pulumi_alicloud as alicloud
from pulumi_alicloud.cs.outputs import ManagedKubernetesCertificateAuthority, ManagedKubernetesConnection

from llmplatform.alicloud.kubeconfig import kubeconfig


def kubeconfig_of(cluster: alicloud.cs.ManagedKubernetes, region: str, *, public: bool) -> pulumi.Output[str]:
    """Kubeconfig of a cluster; with its private address unless it has a public one."""

    def address(found: Sequence[ManagedKubernetesConnection]) -> str:
        return (found[0].api_server_internet if public else found[0].api_server_intranet) or ""

    return pulumi.Output.all(cluster.id, cluster.connections.apply(address), _authority(cluster)).apply(
        lambda found: kubeconfig(found[0], region, found[1], found[2])
    )


def _authority(cluster: alicloud.cs.ManagedKubernetes) -> pulumi.Output[str]:
    """The public certificate of the cluster's authority, in base64 as a kubeconfig has it.

    The provider would rather have it looked up, with credentials that a preview has not; so the attribute is read, past
    the getter that warns of it.
    """
    authorities: pulumi.Output[Sequence[ManagedKubernetesCertificateAuthority]] = pulumi.get(
        cluster, "certificate_authorities"
    )
    # The client's certificate and key beside it stay secret.
    return pulumi.Output.unsecret(authorities.apply(lambda found: found[0].cluster_cert or ""))
