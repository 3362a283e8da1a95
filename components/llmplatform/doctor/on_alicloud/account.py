"""An account of Alibaba Cloud by its SDK. Actions have RAM's names: `ecs:DescribeZones`.

Versions, styles and paths of the actions, the endpoint of a service, and which answers are lists: the SDK's own clients
(aliyun/alibabacloud-python-sdk: ecs-20140526, cs-20151215, vpc-20160428, kms-20160120, cr-20181201, ram-20150501,
alidns-20150109, nas-20170626, slb-20140515, tag-20180828). The SDK is of the extra `recover`.
"""

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from llmplatform.doctor.checks import Absent, Denied, NoAnswer, one_line
from llmplatform.recovery.sessions import credentials


@dataclass(frozen=True, kw_only=True)
class Service:
    """One service of Alibaba Cloud."""

    version: str
    central: bool = False
    """Whether it has one endpoint for all regions."""


SERVICES: Mapping[str, Service] = {
    "alidns": Service(version="2015-01-09", central=True),
    "cr": Service(version="2018-12-01"),
    "cs": Service(version="2015-12-15"),
    "ecs": Service(version="2014-05-26"),
    "kms": Service(version="2016-01-20"),
    "nas": Service(version="2017-06-26"),
    "ram": Service(version="2015-05-01", central=True),
    "slb": Service(version="2014-05-15"),
    "sts": Service(version="2015-04-01"),
    "tag": Service(version="2018-08-28"),
    "vpc": Service(version="2016-04-28"),
}


@dataclass(frozen=True, kw_only=True)
class Path:
    """An action of a REST interface."""

    path: str
    method: str = "GET"
    array: bool = False
    """Whether the answer is a list."""


PATHS: Mapping[str, Path] = {
    "cs:DescribeClustersForRegion": Path(path="/regions/{region}/clusters"),
    "cs:DescribeKubernetesVersionMetadata": Path(path="/api/v1/metadata/versions", array=True),
    "cs:ListAddons": Path(path="/addons"),
}
"""Actions of Container Service; every other service has its actions by name."""

BY_GET = frozenset({"cr:GetRepoTag"})
"""Actions without a path that use GET."""

_DENIED = (
    "Forbidden",
    "NoPermission",
    "AccessDenied",
    "StatusForbidden",
    "UnauthorizedOperation",
    "ErrorRamNoPermission",
)
_ABSENT = ("NotFound", "NotExist", "NoExist", "NOT_EXIST", "NOT_FOUND")
_NOTHING = ("InvalidAccessKeyId", "InvalidAction", "InvalidVersion", "InvalidProduct")
"""Errors that end in `NotFound` but do not concern the requested object (common errors of every service)."""
_CONNECT_MS, _READ_MS, _TRIES = 5_000, 15_000, 3

Send = Callable[[str, Mapping[str, Any], Any], Any]


class AlicloudAccount:
    """An account of Alibaba Cloud by the credentials that the SDK finds. Raises ImportError without the SDK."""

    def __init__(self, region: str, profile: str | None = None, send: Send | None = None) -> None:
        """`profile`: of the aliyun CLI; None: the credentials of the environment.

        `send`: replaces the SDK in tests: action, query, and the body of an action with a path.
        """
        import alibabacloud_tea_openapi.client  # pyright: ignore[reportUnusedImport]  # noqa: F401

        self._region, self._profile, self._send = region, profile, send or self._by_sdk
        # It logs each source without credentials, with a traceback.
        logging.getLogger("credentials").addHandler(logging.NullHandler())

    def has_credentials(self) -> bool:
        """Whether any are configured, even if they do not work."""
        try:
            return bool(credentials(self._profile).get_credential().access_key_id)
        except Exception:
            return False  # The SDK raises its sources' errors: no source has credentials.

    def __call__(self, action: str, /, **parameters: Any) -> Any:
        """The answer to an action. `body`: for an action with a path; everything else is its query."""
        from alibabacloud_credentials.exceptions import CredentialException
        from Tea.exceptions import RetryError, TeaException, UnretryableException, ValidateException

        failures = (CredentialException, RetryError, TeaException, UnretryableException, ValidateException)
        body = parameters.pop("body", None)
        query = {name: _text(value) for name, value in parameters.items()}
        try:
            answer = self._send(action, query, body)
        except failures as error:
            raise _told(action, error) from None
        except (OSError, ValueError) as error:
            # ValueError: a proxy's answer in place of a service's is not JSON.
            raise NoAnswer(f"{action}: {one_line(error)}") from None
        # Some services answer a refusal with the status of a success.
        if isinstance(answer, dict) and answer.get("IsSuccess") is False:
            raise _classified(action, str(answer.get("Code")), str(answer.get("Code")))
        return answer

    def _by_sdk(self, action: str, query: Mapping[str, Any], body: Any) -> Any:
        from alibabacloud_tea_openapi.client import Client
        from alibabacloud_tea_openapi.utils_models import Config, OpenApiRequest, Params
        from darabonba.runtime import RuntimeOptions

        product, _, name = action.partition(":")
        service, path = SERVICES[product], PATHS.get(action)
        params = Params(
            action=name,
            version=service.version,
            protocol="HTTPS",
            pathname=path.path.format(region=self._region) if path else "/",
            method=path.method if path else "GET" if action in BY_GET else "POST",
            auth_type="AK",
            style="ROA" if path else "RPC",
            req_body_type="json" if path else "formData",
            body_type="array" if path and path.array else "json",
        )
        place = "" if service.central else f".{self._region}"
        config = Config(
            credential=credentials(self._profile), region_id=self._region, endpoint=f"{product}{place}.aliyuncs.com"
        )
        request = OpenApiRequest(query=dict(query), body=body) if body else OpenApiRequest(query=dict(query))
        options = RuntimeOptions(
            autoretry=True, max_attempts=_TRIES, connect_timeout=_CONNECT_MS, read_timeout=_READ_MS
        )
        return Client(config).call_api(params, request, options)["body"]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _told(action: str, error: Exception) -> Exception:
    # The error's text may hold the whole answer, or every place that was searched for credentials.
    said = one_line(str(getattr(error, "message", "") or error).partition(": [")[0])
    return _classified(action, str(getattr(error, "code", "") or ""), said)


def _classified(action: str, code: str, said: str) -> Exception:
    # `Forbidden.KeyNotFound`, 404, is KMS' error for a missing key (its API reference, DescribeKey).
    if any(each in code for each in _ABSENT) and not code.startswith(_NOTHING):
        return Absent(f"{action}: {said}")
    if any(each in code for each in _DENIED):
        return Denied(action)
    return NoAnswer(f"{action}: {code}: {said}" if code and code not in said else f"{action}: {said}")
