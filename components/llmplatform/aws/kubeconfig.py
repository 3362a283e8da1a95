"""Login to an EKS cluster: with the client's AWS credentials, never with a stored token."""

import json

from llmplatform.specs.cloud import Aws


def kubeconfig(cluster: str, cloud: Aws, endpoint: str, certificate_authority: str) -> str:
    """JSON kubeconfig whose user runs `aws eks get-token`. `certificate_authority` is base64, as EKS gives it."""
    profile = ["--profile", cloud.profile] if cloud.profile else []
    role = ["--role-arn", cloud.assume_role] if cloud.assume_role else []
    user = {
        "exec": {
            "apiVersion": "client.authentication.k8s.io/v1beta1",
            "command": "aws",
            "args": [
                *profile,
                *("--region", cloud.region, "eks", "get-token", "--cluster-name", cluster, "--output", "json"),
                *role,
            ],
            "interactiveMode": "Never",
        }
    }
    server = {"server": endpoint, "certificate-authority-data": certificate_authority}
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": cluster, "cluster": server}],
            "users": [{"name": cluster, "user": user}],
            "contexts": [{"name": cluster, "context": {"cluster": cluster, "user": cluster}}],
            "current-context": cluster,
        }
    )
