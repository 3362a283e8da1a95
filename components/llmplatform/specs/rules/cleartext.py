"""Refuses secrets in clear text. Works on plain values, because a secret may stand where no setting is."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import cast

from llmplatform.specs.problems import Problem

_ENCRYPT = "run pulumi config set --secret --path 'llmplatform:secrets."

_TOKENS = {
    "a Hugging Face token": re.compile(r"\bhf_[A-Za-z0-9]{16,}"),
    "an AWS access key": re.compile(r"\b(AKIA|ASIA)[A-Z0-9]{16}\b"),
    "an Alibaba Cloud access key": re.compile(r"\bLTAI[A-Za-z0-9]{12,26}\b"),
    "an API key": re.compile(r"\bsk-[A-Za-z0-9_-]{16,}"),
    "a GitHub token": re.compile(r"\bgh[pousr]_[A-Za-z0-9]{20,}"),
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
}


def cleartext(raw: Mapping[str, object]) -> Iterator[Problem]:
    """Every value below `secrets` that is not encrypted, and every value elsewhere that looks like a token."""
    secrets = raw.get("secrets")
    if isinstance(secrets, str | int | float):
        yield Problem("secrets", "a secret is in clear text", f"revoke it, and {_ENCRYPT}huggingface_token'")
    if isinstance(secrets, Mapping):
        for name, value in cast(Mapping[str, object], secrets).items():
            if name == "secure":
                yield Problem(
                    "secrets", "the section is encrypted as a whole", f"remove it, and {_ENCRYPT}huggingface_token'"
                )
            elif not isinstance(value, Mapping):
                yield Problem(
                    f"secrets.{name}",
                    "the secret is in clear text",
                    f"revoke it, and {_ENCRYPT}{name}'",
                )
    for path, value in _texts(raw, ""):
        kind = next((kind for kind, pattern in _TOKENS.items() if pattern.search(value)), None)
        if kind and not path.startswith("secrets"):
            yield Problem(
                path, f"this looks like {kind} in clear text", "revoke it; secrets belong below 'secrets', encrypted"
            )


def redacted(problem: Problem) -> Problem:
    """The problem without any token that its words repeat from the file."""
    path, fault, remedy = problem.path, problem.fault, problem.remedy
    for pattern in _TOKENS.values():
        path, fault, remedy = (pattern.sub("…", text) for text in (path, fault, remedy))
    return Problem(path, fault, remedy)


def _texts(value: object, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for key, each in cast(Mapping[object, object], value).items():
            yield from _texts(each, f"{path}.{key}".removeprefix("."))
    elif isinstance(value, Sequence):
        for index, each in enumerate(cast(Sequence[object], value)):
            yield from _texts(each, f"{path}[{index}]")
