"""Names that must be unique in an account or in a whole cloud, with a random suffix.

Pulumi names most objects of AWS itself. Of Alibaba Cloud it autonames only the property `name`, which is mostly
deprecated in favour of `vpc_name`, `role_name` and so on: those are set explicitly.
"""

import pulumi
import pulumi_random as random


def unique(name: str, prefix: str, opts: pulumi.ResourceOptions) -> pulumi.Output[str]:
    """`<prefix>-<six hex digits>`. A deleted name stays blocked for days; the suffix makes the next one differ."""
    ending = random.RandomId(f"{name}-ending", byte_length=3, opts=opts)
    return ending.hex.apply(lambda digits: f"{prefix}-{digits}")
