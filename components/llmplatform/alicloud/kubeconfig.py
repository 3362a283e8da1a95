"""Login to an ACK cluster: with the client's Alibaba Cloud credentials, never with a stored token.

`ack-ram-tool credential-plugin get-credential` fetches a client certificate of three hours from ACK. Its sibling
`get-token` would need the add-on ack-ram-authenticator in the cluster, and could not log in to install it.
Source: ack-ram-tool's documentation of credential-plugin, v0.16 to v0.19.
"""

from llmplatform.base import kubeconfig as base
from llmplatform.specs.cloud import Alicloud


def kubeconfig(cluster_id: str, cloud: Alicloud, endpoint: str, certificate_authority: str) -> str:
    """JSON kubeconfig whose user runs `ack-ram-tool`. `certificate_authority` is base64 of its PEM."""
    command = ["ack-ram-tool", "credential-plugin", "get-credential", "--cluster-id", cluster_id]
    # ack-ram-tool, global flags: a profile of the aliyun CLI.
    profile = ["--profile-name", cloud.profile] if cloud.profile else []
    form = ["--api-version", "v1beta1", "--expiration", "3h", "--log-level", "error"]
    command += ["--region-id", cloud.region, *profile, *form]
    return base.document(cluster_id, endpoint, certificate_authority, command)
