"""AWS services that a network reaches through endpoints, without the internet.

Source of the list: "Deploy private clusters with limited internet access" in the EKS user guide, less what nothing here
calls (pods take rights by pod identity and not from `sts`, no node writes logs, nothing makes load balancers); and, for
a shell on a node, "Create VPC endpoints for Systems Manager" in its guide.
"""

INTERFACES = (
    "ec2",
    "ecr.api",
    "ecr.dkr",
    "eks",
    "eks-auth",
    "autoscaling",
    "elasticfilesystem",
    "ssm",
    "ssmmessages",
    "ec2messages",
)
"""Services that nodes, their add-ons and cluster-autoscaler call."""


def service_name(region: str, service: str) -> str:
    """Endpoint service name in a region. China has other names for some services, but not for S3."""
    return f"com.amazonaws.{region}.{service}"
