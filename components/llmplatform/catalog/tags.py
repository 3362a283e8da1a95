"""Tags that several parts of the platform read or write."""

ENVIRONMENT_TAG = "llmplatform:environment"
RESOURCE_TAG = "llmplatform:resource"
_LONGEST = 128


def resource_tag(type_: str, name: str) -> str:
    """Name of a resource within its stack: `ec2/vpc:Vpc core-vpc`, unique except below another parent.

    Without its package, because neither cloud accepts a value that begins with its own name: IAM, EKS and ACM refuse
    `aws:` ("Tagging IAM resources", IAM user guide; `TagValue`, EKS API).
    """
    return f"{type_.partition(':')[2]} {name}"[:_LONGEST]
