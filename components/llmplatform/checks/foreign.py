"""Warns of provider settings below `config:`, which have no effect."""

from collections.abc import Iterator, Mapping

from llmplatform.checks.problems import Problem

NAMESPACES = {"aws": "AWS_PROFILE and the like", "alicloud": "ALIBABA_CLOUD_PROFILE and the like", "kubernetes": ""}
"""Providers that the program creates from `cloud` and `cluster`, and what chooses their credentials instead."""


def without_effect(config: Mapping[str, object], region: str) -> Iterator[Problem]:
    """A warning for each key that would choose profile, role, region or tags of a default provider."""
    for key, value in config.items():
        namespace, separator, name = key.partition(":")
        agrees = name.removeprefix("config:") == "region" and value == region
        if not separator or namespace not in NAMESPACES or agrees:
            continue
        choice = NAMESPACES[namespace]
        yield Problem(
            f"config.{key}",
            "it has no effect: providers are made from the llmplatform: settings alone",
            f"remove it; {choice} choose credentials where pulumi runs" if choice else "remove it",
        )
