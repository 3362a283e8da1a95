"""Reads and checks the output `platform` of another stack."""

import json
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from llmplatform.checks import sentences
from llmplatform.checks.problems import InvalidStack, Problem, shown
from llmplatform.specs.platform_ref import VERSION, AlicloudPlatformRef, AwsPlatformRef, PlatformRef


def parse_platform_ref(raw: Mapping[str, Any]) -> PlatformRef:
    """The output `platform` of a platform's stack. Raises InvalidStack with all its problems.

    Fields that a later release adds within a version are ignored: a platform may be newer than its readers.
    """
    kind = AlicloudPlatformRef if _at(raw, "cloud", "provider") == "alicloud" else AwsPlatformRef
    _require_known_version(raw.get("version"))
    platform = _at(raw, "platform")
    # The engine drops null; here null means that no Prometheus scrapes the models.
    given = {**raw, "platform": {"monitoring_namespace": None, **platform} if isinstance(platform, dict) else platform}
    try:
        return kind.model_validate_json(json.dumps(given), extra="ignore")
    except ValidationError as error:
        raise InvalidStack(
            Problem(each.path, each.fault, _EXPORT_AGAIN) for each in sentences.problems(error, kind, given, given)
        ) from None


_EXPORT_AGAIN = "run `pulumi up` of the platform's stack, then give its output 'platform' again"


def _require_known_version(version: object) -> None:
    if isinstance(version, int | float) and version > VERSION:
        fault = f"the platform's is {version:g}, and this llmplatform reads up to {VERSION}"
        raise InvalidStack([Problem("version", fault, "update llmplatform here")])
    if version != VERSION:
        fault = "required key is missing" if version is None else f"{shown(version)} is not one"
        raise InvalidStack([Problem("version", fault, "give the output 'platform' of a platform's stack")])


def _at(raw: Mapping[str, Any], *path: str) -> Any:
    found: Any = raw
    for key in path:
        found = found.get(key) if isinstance(found, Mapping) else None
    return found
