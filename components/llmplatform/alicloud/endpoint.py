"""Where a cluster's API server is, and the certificate that it shows."""

from collections.abc import Sequence

import pulumi
import pulumi_alicloud as alicloud
from pulumi_alicloud.cs.outputs import ManagedKubernetesCertificateAuthority, ManagedKubernetesConnection


def address_of(cluster: alicloud.cs.ManagedKubernetes, *, public: bool) -> pulumi.Output[str]:
    """Address of a cluster's API server: the private one unless a public one is wanted.

    A public one is given when a cluster is made, and no update of the provider takes it or gives it. Source:
    terraform-provider-alicloud 2.0, slb_internet_enabled: only works for Create; connections are as ACK has them.
    """

    def address(found: Sequence[ManagedKubernetesConnection]) -> str:
        internet = found[0].api_server_internet
        if public and not internet:
            raise pulumi.RunError(
                "cluster.endpoint.public_cidrs: the cluster has no public endpoint, which ACK gives when a cluster is "
                "made; bind an EIP to it in ACK's console and run 'pulumi refresh', or take the ranges out"
            )
        if internet and not public:
            pulumi.log.warn(
                "cluster.endpoint.public_cidrs: the cluster's API is open to the internet all the same, because an "
                "update does not close it; unbind its EIP in ACK's console, and run 'pulumi refresh'"
            )
        return (internet if public else found[0].api_server_intranet) or ""

    return cluster.connections.apply(address)


def authority_of(cluster: alicloud.cs.ManagedKubernetes) -> pulumi.Output[str]:
    """The public certificate of the cluster's authority, in base64 as a kubeconfig has it.

    The provider would rather have it looked up, with credentials that a preview has not; so the attribute is read, past
    the getter that warns of it.
    """
    authorities: pulumi.Output[Sequence[ManagedKubernetesCertificateAuthority]] = pulumi.get(
        cluster, "certificate_authorities"
    )
    # The client's certificate and key beside it stay secret.
    return pulumi.Output.unsecret(authorities.apply(certificate_of))


def certificate_of(found: Sequence[ManagedKubernetesCertificateAuthority]) -> str:
    """The certificate, never an empty one: the provider goes on without it where ACK did not answer.

    An empty one would be stored and trusted from then on. Source: setCerts in terraform-provider-alicloud 2.0,
    service_alicloud_cs.go, which logs the error.
    """
    certificate = found[0].cluster_cert if found else None
    if not certificate:
        raise pulumi.RunError(
            "cluster: ACK has not told the certificate of its API server; run 'pulumi refresh', then 'pulumi up' again"
        )
    return certificate
