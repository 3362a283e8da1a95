"""Address and certificate of a cluster's API server."""

from collections.abc import Sequence

import pulumi
import pulumi_alicloud as alicloud
from pulumi_alicloud.cs.outputs import ManagedKubernetesCertificateAuthority, ManagedKubernetesConnection


def address_of(cluster: alicloud.cs.ManagedKubernetes, *, public: bool) -> pulumi.Output[str]:
    """Address of a cluster's API server: the public one if `public`, else the private one.

    Only creation gives a public one: no update of the provider adds or removes it. Source:
    terraform-provider-alicloud 2.0, slb_internet_enabled: only works for Create; connections have ACK's addresses.
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

    The provider recommends a lookup, for which a preview has no credentials. So this reads the attribute directly,
    without the getter and its warning.
    """
    authorities: pulumi.Output[Sequence[ManagedKubernetesCertificateAuthority]] = pulumi.get(
        cluster, "certificate_authorities"
    )
    # The client's certificate and key in the same answer stay secret.
    return pulumi.Output.unsecret(authorities.apply(certificate_of))


def certificate_of(found: Sequence[ManagedKubernetesCertificateAuthority]) -> str:
    """The certificate, never an empty one: the provider continues without it if ACK does not answer.

    An empty one would be stored and trusted from then on. Source: setCerts in terraform-provider-alicloud 2.0,
    service_alicloud_cs.go, which logs the error.
    """
    certificate = found[0].cluster_cert if found else None
    if not certificate:
        raise pulumi.RunError(
            "cluster: ACK has not told the certificate of its API server; run 'pulumi refresh', then 'pulumi up' again"
        )
    return certificate
