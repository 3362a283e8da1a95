"""Refuses secrets in clear text. Searches plain values, because a secret may stand below an unknown key."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import cast

from llmplatform.checks import secret_forms
from llmplatform.checks.problems import Problem

ENCRYPT = "run pulumi config set --secret --path 'llmplatform:secrets."

_CREDENTIALS = re.compile(r"(aws|alicloud):(config:)?(accessKey|secretKey|token|securityToken)|pulumi:accessToken")
"""Settings of the clouds' providers that are always secrets."""

_BELONGS = "revoke it; secrets belong below 'secrets', encrypted"


def cleartext(raw: Mapping[str, object]) -> Iterator[Problem]:
    """Every value below `secrets` that is not encrypted, and every other value that looks like a token."""
    secrets = raw.get("secrets")
    if isinstance(secrets, str | int | float):
        yield Problem("secrets", "a secret is in clear text", f"revoke it, and {ENCRYPT}huggingface_token'")
    if isinstance(secrets, Mapping):
        for name, value in cast(Mapping[str, object], secrets).items():
            yield from _secret(name, value)
    for section, value in raw.items():
        if section != "secrets":
            yield from _marked_as_secret(section, value)
            yield from tokens(section, value)


def _secret(name: str, value: object) -> Iterator[Problem]:
    path = f"secrets.{name}"
    if name == "secure":
        yield Problem("secrets", "the section is encrypted as a whole", f"remove it, and {ENCRYPT}huggingface_token'")
    elif isinstance(value, Mapping):
        given = cast(Mapping[str, object], value).get("secure", "…")
        if not isinstance(given, str) or not given:
            yield Problem(f"{path}.secure", "this is no encrypted value", f"{ENCRYPT}{name}'")
    elif value is not None:
        yield Problem(path, "the secret is in clear text", f"revoke it, and {ENCRYPT}{name}'")


def _marked_as_secret(path: str, value: object) -> Iterator[Problem]:
    """A key `secure` with a text: Pulumi would read an encrypted value, and the settings would lose it."""
    if isinstance(value, Mapping):
        for key, each in cast(Mapping[object, object], value).items():
            if key == "secure" and not isinstance(each, Mapping | list):
                yield Problem(
                    f"{path}.secure",
                    "Pulumi takes this for an encrypted value, and none belongs here",
                    "rename the key",
                )
            yield from _marked_as_secret(f"{path}.{key}", each)
    elif isinstance(value, list):
        for index, each in enumerate(cast(list[object], value)):
            yield from _marked_as_secret(f"{path}[{index}]", each)


def cleartext_elsewhere(key: str, value: object) -> Iterator[Problem]:
    """The same for keys of `config:` outside our namespace."""
    if _CREDENTIALS.fullmatch(key):
        if value and not _is_encrypted(value):
            yield Problem(
                f"config.{key}",
                "the secret is in clear text",
                "revoke it, and remove it: credentials come from the environment that pulumi runs in",
            )
        return
    yield from tokens("config", {key: value})


def redacted(problem: Problem) -> Problem:
    """The problem without any token that it quotes from the file."""
    return Problem(*map(secret_forms.without, (problem.path, problem.fault, problem.remedy)))


def tokens(path: str, value: object) -> Iterator[Problem]:
    """Every value within `value` that looks like a secret."""
    for place, text in texts(path, value):
        kind = secret_forms.kind_of(text)
        if kind:
            yield redacted(Problem(place, f"this looks like {kind} in clear text", _BELONGS))


def tokens_in_comments(file: str, text: str, told: Sequence[str]) -> Iterator[Problem]:
    """Secrets in a file's comments. `told`: the text of its values, which may contain a `#`."""
    for number, line in enumerate(text.splitlines(), start=1):
        _, mark, comment = line.partition("#")
        kind = secret_forms.kind_of(comment) if mark else None
        if kind and not any(comment.strip().strip("\"'") in value for value in told if "#" in value):
            yield Problem(file, f"line {number}: the comment has what looks like {kind}", "revoke it, and remove it")


def texts(path: str, value: object) -> Iterator[tuple[str, str]]:
    """All text, including keys."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for key, each in cast(Mapping[object, object], value).items():
            place = f"{path}.{key}".removeprefix(".")
            yield place, str(key)
            yield from texts(place, each)
    elif isinstance(value, Sequence):
        for index, each in enumerate(cast(Sequence[object], value)):
            yield from texts(f"{path}[{index}]", each)


def _is_encrypted(value: object) -> bool:
    return isinstance(value, Mapping) and list(cast(Mapping[object, object], value)) == ["secure"]
