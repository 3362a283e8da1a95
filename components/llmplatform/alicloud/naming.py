"""Names that have to be unique in all of Alibaba Cloud, or in an account, with an end that is made once.

Pulumi names only what is called `name` in this provider, and most of that is deprecated in favour of `vpc_name`,
`role_name` and so on: those are written out where they are used.
"""

import pulumi
import pulumi_random as random


def unique(name: str, prefix: str, opts: pulumi.ResourceOptions) -> pulumi.Output[str]:
    """`<prefix>-<six hex digits>`. A name that was deleted stays blocked for days; the next one differs."""
    ending = random.RandomId(f"{name}-ending", byte_length=3, opts=opts)
    return ending.hex.apply(lambda digits: f"{prefix}-{digits}")
