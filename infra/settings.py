"""Reads the stack file: plain values into a `Stack`, secrets into Outputs beside it. Finds the charts' archives."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pulumi
from pulumi.runtime import config as runtime_config

from llmplatform.catalog.versions import NO_ARCHIVES
from llmplatform.checks import InvalidStack, parse, warnings
from llmplatform.checks.archives import unfit_archives
from llmplatform.checks.cleartext import cleartext_elsewhere
from llmplatform.checks.foreign import without_effect
from llmplatform.planning.charts import plan_charts
from llmplatform.planning.pools import PoolPlan
from llmplatform.specs.secrets import Secrets
from llmplatform.specs.stack import NAMESPACE, Stack

CHARTS = "../.charts"
"""Where `llmplatform charts pull` puts the archives, seen from this program's folder."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The content of a stack file."""

    stack: Stack
    secrets: Mapping[str, pulumi.Output[str]]
    """By their names in the file, those that are set. They stay Outputs, so that no spec and no log line holds one."""


def load() -> Settings:
    """The settings of the running stack. Raises RunError with every problem, one line each."""
    config = pulumi.Config("llmplatform")
    # Config reads one key at a time; only the whole map shows unknown keys.
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
        stack = parse(values, pulumi.get_stack(), Path(__file__).parents[1])
    except InvalidStack as invalid:
        stack, faults = None, [*faults, *invalid.problems]
    if faults or not stack:
        raise pulumi.RunError("\n".join(map(str, faults)))
    for warning in [*warnings(stack), *without_effect(known, stack.cloud.region)]:
        pulumi.log.warn(str(warning))
    given = cast(Mapping[str, object], values.get("secrets", {}))
    secrets = {name: _secret(config, name) for name in Secrets.model_fields if name in given}
    return Settings(stack=stack, secrets=secrets)


def require_archives(stack: Stack, pools: tuple[PoolPlan, ...]) -> None:
    """Raise RunError with a line for each chart archive that is missing, damaged or another than the recorded one.

    In an update the provider would find out after half an hour, with network, cluster and nodes made. In a preview it
    opens each archive as soon as the cluster is known (pulumi-kubernetes helm_release.go, Check), and fails with a line
    that has no remedy. It looks at no digest, ever.
    """
    if NO_ARCHIVES in os.environ:
        return
    unfit = unfit_archives(plan_charts(stack, pools), (Path(__file__).parent / CHARTS).resolve())
    if unfit:
        raise pulumi.RunError("\n".join(map(str, unfit)))


def _plain(config: pulumi.Config, key: str) -> Any:
    try:
        return config.require_object(key)
    except (pulumi.ConfigTypeError, json.JSONDecodeError):
        return config.require(key)


def _secret_names(config: pulumi.Config) -> object:
    """Names of encrypted secrets in the file: their values never enter a spec."""
    value = {"secure": "encrypted"} if runtime_config.is_config_secret(f"{NAMESPACE}secrets") else "in clear text"
    try:
        given: object = config.require_object("secrets")
    except (pulumi.ConfigTypeError, json.JSONDecodeError):
        return value
    return dict.fromkeys(cast(Mapping[str, object], given), value) if isinstance(given, Mapping) else value


def _secret(config: pulumi.Config, name: str) -> pulumi.Output[str]:
    return config.require_secret_object("secrets").apply(lambda secrets: secrets[name])
