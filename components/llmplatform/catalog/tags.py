"""Tags that more than one part of the platform has to know the spelling of."""

ENVIRONMENT_TAG = "llmplatform:environment"
RESOURCE_TAG = "llmplatform:resource"
_LONGEST = 128


def resource_tag(type_: str, name: str) -> str:
    """What a resource is called within its stack: `ec2/vpc:Vpc core-vpc`, unique but for another parent.

    Without its package, because neither cloud takes a value that begins with a name of its own: IAM, EKS and ACM refuse
    `aws:` ("Tagging IAM resources", IAM user guide; `TagValue`, EKS API).
    """
    return f"{type_.partition(':')[2]} {name}"[:_LONGEST]
