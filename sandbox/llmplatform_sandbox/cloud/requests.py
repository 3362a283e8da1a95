"""The scope of a request to a cloud, and its possible failures."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from llmplatform_sandbox.cloud.store import Record


class CloudError(Exception):
    """The cloud refuses a request; the message begins with the service's own error code."""


class Transient(CloudError):
    """Refused before any effect, and likely to work at another try: callers try again."""


class Unanswered(CloudError):
    """Carried out, but the answer was lost: a second try is safe only for idempotent requests."""


class NotReady(Exception):
    """The object exists and did not reach the requested state."""

    def __init__(self, record: Record, reason: str) -> None:
        super().__init__(reason)
        self.record, self.reason = record, reason


@dataclass(frozen=True, kw_only=True)
class Scope:
    """Account and region of a request."""

    region: str
    account: str = "123456789012"
    partition: str = "aws"
    default_tags: Mapping[str, str] = field(default_factory=dict[str, str])
