"""Reads the stack file: plain values into a `Stack`, secrets into Outputs beside it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import pulumi
from pulumi.runtime import config as runtime_config

from llmplatform.checks import InvalidStack, parse, warnings
from llmplatform.checks.cleartext import cleartext_elsewhere
from llmplatform.checks.foreign import without_effect
from llmplatform.specs.stack import NAMESPACE, Stack


@dataclass(frozen=True, kw_only=True)
class Secrets:
    """Secret values. They stay Outputs all the way, so that neither a spec nor a log line can hold one."""

    huggingface_token: pulumi.Output[str] | None
    alert_receiver: pulumi.Output[str] | None
    registry_password: pulumi.Output[str] | None


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything that a stack file says."""

    stack: Stack
    secrets: Secrets


def load() -> Settings:
    """The settings of the stack that runs. Raises RunError with every problem, one line each."""
    config = pulumi.Config("llmplatform")
    # Config reads one key at a time; only the whole map shows a key that no setting knows.
    known = {**runtime_config.get_config_env(), **runtime_config.CONFIG.get()}
    keys = sorted(key.removeprefix(NAMESPACE) for key in known if key.startswith(NAMESPACE))
    values = {key: _secret_names(config) if key == "secrets" else _plain(config, key) for key in keys}
    faults = [
        problem
        for key, value in known.items()
        if not key.startswith(NAMESPACE) and not runtime_config.is_config_secret(key)
        for problem in cleartext_elsewhere(key, value)
    ]
    try:
        stack = parse(values, pulumi.get_stack())
    except InvalidStack as invalid:
        stack, faults = None, [*faults, *invalid.problems]
    if faults or not stack:
        raise pulumi.RunError("\n".join(map(str, faults)))
    for warning in [*warnings(stack), *without_effect(known, stack.cloud.region)]:
        pulumi.log.warn(str(warning))
    return Settings(
        stack=stack,
        secrets=Secrets(
            huggingface_token=_secret(config, values, "huggingface_token"),
            alert_receiver=_secret(config, values, "alert_receiver"),
            registry_password=_secret(config, values, "registry_password"),
        ),
    )


def _plain(config: pulumi.Config, key: str) -> Any:
    try:
        return config.require_object(key)
    except (pulumi.ConfigTypeError, json.JSONDecodeError):
        return config.require(key)


def _secret_names(config: pulumi.Config) -> object:
    """Which secrets there are, and whether the file has them encrypted: their values never get into a spec."""
    value = {"secure": "encrypted"} if runtime_config.is_config_secret(f"{NAMESPACE}secrets") else "in clear text"
    try:
        given: object = config.require_object("secrets")
    except (pulumi.ConfigTypeError, json.JSONDecodeError):
        return value
    return dict.fromkeys(cast(Mapping[str, object], given), value) if isinstance(given, Mapping) else value


def _secret(config: pulumi.Config, values: Mapping[str, Any], name: str) -> pulumi.Output[str] | None:
    if name not in values.get("secrets", ()):
        return None
    return config.require_secret_object("secrets").apply(lambda secrets: secrets[name])
