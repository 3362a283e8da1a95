"""Login to an EKS cluster: with the client's AWS credentials, never with a stored token."""

from llmplatform.base import kubeconfig as base
from llmplatform.specs.cloud import Aws


def kubeconfig(cluster: str, cloud: Aws, endpoint: str, certificate_authority: str) -> str:
    """JSON kubeconfig whose user runs `aws eks get-token`. `certificate_authority` is base64, as EKS gives it."""
    profile = ["--profile", cloud.profile] if cloud.profile else []
    role = ["--role-arn", cloud.assume_role] if cloud.assume_role else []
    command = ["aws", *profile, "--region", cloud.region, "eks", "get-token", "--cluster-name", cluster]
    return base.document(cluster, endpoint, certificate_authority, [*command, "--output", "json", *role])
