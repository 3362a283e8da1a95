"""Tags that more than one part of the platform has to know the spelling of."""

ENVIRONMENT_TAG = "llmplatform:environment"
RESOURCE_TAG = "llmplatform:resource"
_LONGEST = 128


def resource_tag(type_: str, name: str) -> str:
    """What a resource is called within its stack: `aws:ec2/vpc:Vpc core-vpc`, unique but for another parent."""
    return f"{type_} {name}"[:_LONGEST]
