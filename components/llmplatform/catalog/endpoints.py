"""The services of AWS that a network reaches without the internet, by endpoints.

Source of the list: "Deploy private clusters with limited internet access" in the EKS user guide.
"""

INTERFACES = (
    "ec2",
    "ecr.api",
    "ecr.dkr",
    "sts",
    "eks",
    "eks-auth",
    "logs",
    "autoscaling",
    "elasticloadbalancing",
    "elasticfilesystem",
)
"""Services that nodes, their add-ons and cluster-autoscaler call."""


def service_name(region: str, service: str) -> str:
    """Name under which a region offers a service to endpoints. China spells some of them otherwise, S3 not."""
    return f"com.amazonaws.{region}.{service}"
