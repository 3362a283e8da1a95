"""The services of AWS that a network reaches without the internet, by endpoints.

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
    """Name under which a region offers a service to endpoints. China spells some of them otherwise, S3 not."""
    return f"com.amazonaws.{region}.{service}"
