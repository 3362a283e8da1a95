"""An account of AWS by boto3. Actions have IAM's names: `ec2:DescribeSubnets`.

boto3 is of the extra `recover`, and loaded when an account is opened.
"""

from threading import Lock
from typing import Any

from llmplatform.doctor.checks import Absent, Denied, NoAnswer, one_line
from llmplatform.recovery.sessions import assumed, opened

CLIENTS = {
    "servicequotas": "service-quotas",
    "elasticfilesystem": "efs",
    "elasticloadbalancing": "elbv2",
    "elasticloadbalancing/classic": "elb",
    "tag": "resourcegroupstaggingapi",
}
"""Services whose names in botocore and IAM differ."""
_DENIED = (
    "AccessDenied",
    "AccessDeniedException",
    "UnauthorizedOperation",
    "AuthorizationError",
    "Client.Unauthorized",
)
_ABSENT = (
    "NoSuchEntity",
    "NoSuchHostedZone",
    "NoSuchResourceException",
    "NotFoundException",
    "ResourceNotFoundException",
)
CONNECT_SECONDS, READ_SECONDS, TRIES = 5, 15, 3


class AwsAccount:
    """An account of AWS by the credentials that boto3 finds. Raises ImportError without boto3."""

    def __init__(self, region: str, profile: str | None = None, role: str | None = None) -> None:
        """`profile`: of the AWS CLI. `role`: to assume with its credentials before the first call."""
        from botocore.config import Config
        from botocore.exceptions import ProfileNotFound

        try:
            self._session = opened(region, profile)
        except ProfileNotFound as error:
            where = "cloud.profile" if profile else "AWS_PROFILE, or unset it"
            raise NoAnswer(f"{one_line(error)}; write one of `aws configure list-profiles` into {where}") from None
        self._role = role
        self._config = Config(
            connect_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
            retries={"mode": "standard", "total_max_attempts": TRIES},
        )
        self._clients: dict[str, Any] = {}
        self._lock = Lock()

    def has_credentials(self) -> bool:
        """Whether any are configured, even if they do not work."""
        from botocore.exceptions import BotoCoreError

        try:
            return self._session.get_credentials() is not None
        except BotoCoreError:
            return True  # Something is configured, and the first call shows its fault.

    def client(self, service: str) -> Any:
        """boto3's client of a service, by IAM's prefix."""
        with self._lock:
            if self._role:
                self._session = self._taken(self._role)
                self._role = None
            if service not in self._clients:
                self._clients[service] = self._session.client(CLIENTS.get(service, service), config=self._config)
            return self._clients[service]

    def _taken(self, role: str) -> Any:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return assumed(self._session, role, "llmplatform-doctor", self._config)
        except (BotoCoreError, ClientError) as error:
            # This refuses all calls, not a single one.
            raise NoAnswer(f"sts:AssumeRole of {role}: {one_line(error)}") from None

    def __call__(self, action: str, /, **parameters: Any) -> Any:
        """The answer to an action, with all its pages."""
        from botocore import xform_name
        from botocore.exceptions import BotoCoreError, ClientError
        from botocore.parsers import ResponseParserError

        service, _, operation = action.partition(":")
        method = xform_name(operation)
        try:
            client = self.client(service)
            if client.can_paginate(method):
                return client.get_paginator(method).paginate(**parameters).build_full_result()
            return getattr(client, method)(**parameters)
        except ClientError as error:
            raise _told(action, error) from None
        except (BotoCoreError, ResponseParserError) as error:
            # A proxy's answer in place of a service's has another form.
            raise NoAnswer(f"{action}: {one_line(error)}") from None


def _told(action: str, error: Any) -> Exception:
    code, said = error.response["Error"].get("Code", ""), one_line(error)
    if code in _DENIED:
        return Denied(action)
    if code in _ABSENT or code.endswith(".NotFound"):
        return Absent(said)
    return NoAnswer(said)
