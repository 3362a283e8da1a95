"""How a client logs in to an EKS cluster: with the AWS credentials it has, never with a stored token."""

import json


def kubeconfig(cluster: str, region: str, endpoint: str, certificate_authority: str) -> str:
    """JSON kubeconfig whose user runs `aws eks get-token`. `certificate_authority` is base64, as EKS gives it."""
    user = {
        "exec": {
            "apiVersion": "client.authentication.k8s.io/v1beta1",
            "command": "aws",
            "args": ["--region", region, "eks", "get-token", "--cluster-name", cluster, "--output", "json"],
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
