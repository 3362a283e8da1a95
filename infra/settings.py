"""Reads the stack file: plain values into a `Stack`, secrets into Outputs beside it."""

import json
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi.runtime import config as runtime_config

from llmplatform.specs import InvalidStack, parse
from llmplatform.specs.stack import Stack

PREFIX = "llmplatform:"


@dataclass(frozen=True, kw_only=True)
class Secrets:
    """Secret values. They stay Outputs all the way, so that neither a spec nor a log line can hold one."""

    huggingface_token: pulumi.Output[str] | None
    alert_receiver: pulumi.Output[str] | None


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything that a stack file says."""

    stack: Stack
    secrets: Secrets


def load() -> Settings:
    """The settings of the stack that runs. Raises RunError with every problem, one line each."""
    config = pulumi.Config("llmplatform")
    values = {key: _plain(config, key) for key in _keys()}
    names = tuple(values.get("secrets", ()))
    try:
        stack = parse(values, pulumi.get_stack())
    except InvalidStack as invalid:
        raise pulumi.RunError("\n".join(map(str, invalid.problems))) from None
    secrets = Secrets(
        huggingface_token=_secret(config, names, "huggingface_token"),
        alert_receiver=_secret(config, names, "alert_receiver"),
    )
    return Settings(stack=stack, secrets=secrets)


def _keys() -> list[str]:
    # Config reads one key at a time; only the whole map shows a key that no setting knows.
    known = {**runtime_config.get_config_env(), **runtime_config.CONFIG.get()}
    return sorted(key.removeprefix(PREFIX) for key in known if key.startswith(PREFIX))


def _plain(config: pulumi.Config, key: str) -> Any:
    if key == "secrets":
        # The engine has decrypted the values; a spec only learns which of them there are.
        return {name: {"secure": "encrypted"} for name in config.require_object(key)}
    try:
        return config.require_object(key)
    except (pulumi.ConfigTypeError, json.JSONDecodeError):
        return config.require(key)


def _secret(config: pulumi.Config, names: tuple[str, ...], name: str) -> pulumi.Output[str] | None:
    if name not in names:
        return None
    return config.require_secret_object("secrets").apply(lambda values: values[name])
