"""What comes with a request to a cloud, and how it may end other than well."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from llmplatform_sandbox.cloud.store import Record


class CloudError(Exception):
    """The cloud refuses a request; the message begins with the service's own error code."""


class Transient(CloudError):
    """Refused before anything was done, and likely to work at another try: whoever calls a cloud tries again."""


class Unanswered(CloudError):
    """Carried out, but the answer was lost: to ask again is safe only for what may be done twice."""


class NotReady(Exception):
    """The object was made and did not become what was asked for."""

    def __init__(self, record: Record, reason: str) -> None:
        super().__init__(reason)
        self.record, self.reason = record, reason


@dataclass(frozen=True, kw_only=True)
class Scope:
    """Where a request goes."""

    region: str
    account: str = "123456789012"
    partition: str = "aws"
    default_tags: Mapping[str, str] = field(default_factory=dict[str, str])
