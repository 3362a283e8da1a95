"""Which account, region and zones an environment lives in."""

from typing import Annotated, Literal

from pydantic import Field

from llmplatform.specs.section import Section
from llmplatform.specs.vocabulary import AwsAccountId, AwsRegion, AwsZone


class Aws(Section):
    """An AWS account. All of it is written down rather than looked up, so that a preview needs no credentials."""

    provider: Literal["aws"]
    account_id: AwsAccountId
    """The provider refuses to touch any other account."""
    region: AwsRegion
    """Region of everything in the environment."""
    zones: Annotated[tuple[AwsZone, ...], Field(min_length=2, max_length=6)]
    """Availability zones, at least two (EKS wants its control plane in two)."""

    @property
    def partition(self) -> str:
        """ARN partition of the region."""
        if self.region.startswith("cn-"):
            return "aws-cn"
        return "aws-us-gov" if self.region.startswith("us-gov-") else "aws"


Cloud = Aws
"""The clouds that a stack file can name, told apart by `provider`."""
