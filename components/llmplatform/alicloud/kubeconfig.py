"""Login to an ACK cluster: with the client's Alibaba Cloud credentials, never with a stored token.

`ack-ram-tool credential-plugin get-credential` fetches a client certificate of three hours from ACK. Its sibling
`get-token` would need the add-on ack-ram-authenticator in the cluster, and could not log in to install it.
Source: ack-ram-tool's documentation of credential-plugin, v0.16 to v0.19.
"""

import json

from llmplatform.specs.cloud import Alicloud


def kubeconfig(cluster_id: str, cloud: Alicloud, endpoint: str, certificate_authority: str) -> str:
    """JSON kubeconfig whose user runs `ack-ram-tool`. `certificate_authority` is base64 of its PEM."""
    arguments = ["credential-plugin", "get-credential", "--cluster-id", cluster_id, "--region-id", cloud.region]
    # ack-ram-tool, global flags: a profile of the aliyun CLI.
    profile = ["--profile-name", cloud.profile] if cloud.profile else []
    user = {
        "exec": {
            "apiVersion": "client.authentication.k8s.io/v1beta1",
            "command": "ack-ram-tool",
            "args": [*arguments, *profile, "--api-version", "v1beta1", "--expiration", "3h", "--log-level", "error"],
            "interactiveMode": "Never",
        }
    }
    server = {"server": endpoint, "certificate-authority-data": certificate_authority}
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": cluster_id, "cluster": server}],
            "users": [{"name": cluster_id, "user": user}],
            "contexts": [{"name": cluster_id, "context": {"cluster": cluster_id, "user": cluster_id}}],
            "current-context": cluster_id,
        }
    )
