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
    "a Slack webhook": re.compile(r"\bhooks\.slack\.com/services/[\w/-]+"),
    "a password in an address": re.compile(r"(?<=://)[^/\s:@\"',]*:[^/\s@\"',]+(?=@)"),
}
_CREDENTIALS = re.compile(r"(aws|alicloud):(config:)?(accessKey|secretKey|token|securityToken)")
"""Settings of the clouds' providers that are secrets, whatever they look like."""


def cleartext(raw: Mapping[str, object]) -> Iterator[Problem]:
    """Every value below `secrets` that is not encrypted, and whatever elsewhere looks like a token."""
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
    for section, value in raw.items():
        if section != "secrets":
            yield from _tokens(section, value)


def cleartext_elsewhere(key: str, value: object) -> Iterator[Problem]:
    """The same of a key of `config:` that is none of ours."""
    if _CREDENTIALS.fullmatch(key):
        if value and not _is_encrypted(value):
            yield Problem(
                f"config.{key}",
                "the secret is in clear text",
                "revoke it, and remove it: credentials come from the environment of whoever runs pulumi",
            )
        return
    yield from map(redacted, _tokens("config", {key: value}))


def redacted(problem: Problem) -> Problem:
    """The problem without any token that its words repeat from the file."""
    path, fault, remedy = problem.path, problem.fault, problem.remedy
    for pattern in _TOKENS.values():
        path, fault, remedy = (pattern.sub("…", text) for text in (path, fault, remedy))
    return Problem(path, fault, remedy)


def _tokens(path: str, value: object) -> Iterator[Problem]:
    for place, text in _texts(path, value):
        kind = next((kind for kind, pattern in _TOKENS.items() if pattern.search(text)), None)
        if kind:
            yield Problem(
                place, f"this looks like {kind} in clear text", "revoke it; secrets belong below 'secrets', encrypted"
            )


def _texts(path: str, value: object) -> Iterator[tuple[str, str]]:
    """All text, that of keys included."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for key, each in cast(Mapping[object, object], value).items():
            yield f"{path}.{key}", str(key)
            yield from _texts(f"{path}.{key}", each)
    elif isinstance(value, Sequence):
        for index, each in enumerate(cast(Sequence[object], value)):
            yield from _texts(f"{path}[{index}]", each)


def _is_encrypted(value: object) -> bool:
    return isinstance(value, Mapping) and list(cast(Mapping[object, object], value)) == ["secure"]
