"""Tags that a cloud's services accept: number, length, characters, and reserved prefixes.

One `tags.toml` per cloud, a row per service. They differ: IAM and EKS refuse values that EC2 accepts.
"""

import re
import tomllib
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from llmplatform_sandbox.citations import Cited


class TagRules(Cited):
    """The rules of one service."""

    most: int
    """Tags of one object, the provider's default tags included."""
    key: int
    """Longest key."""
    value: int
    """Longest value."""
    key_begins: str = ""
    """Reserved prefix of keys, in upper or lower case, as a regular expression."""
    value_begins: str = ""
    """Reserved prefix of values."""
    marks: str = ""
    """Characters that are allowed beside letters, numbers and spaces; empty: every character."""
    one_case: bool = False
    """Whether keys that differ only in case are the same key."""


@cache
def rules(package: str) -> Mapping[str, TagRules]:
    """The rules of a cloud by service, `any` among them."""
    text = (files("llmplatform_sandbox.cloud") / package / "tags.toml").read_text()
    return {service: TagRules.model_validate(row) for service, row in tomllib.loads(text).items()}


def refusals(type_: str, tags: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(path, fault and remedy) of the tags of an object of a type, including default tags."""
    package, _, rest = type_.partition(":")
    service = rest.partition("/")[0]
    known = rules(package)
    row = known.get(service) or known["any"]
    if len(tags) > row.most:
        yield "tags", f"{len(tags)} tags, those of the provider included; write at most {row.most}"
    for key, value in tags.items():
        path = f'tags["{key}"]'
        for what, text, longest, begins in (
            ("key", key, row.key, row.key_begins),
            ("value", value, row.value, row.value_begins),
        ):
            if not isinstance(text, str):
                continue
            if begins and (kept := re.match(begins, text, re.IGNORECASE)):
                yield (
                    path,
                    f"the {what} '{text}' begins with '{kept[0]}', which {service} refuses; write another {what}",
                )
            if len(text) > longest:
                yield path, f"the {what} has {len(text)} characters; write at most {longest}"
            if row.marks and (wrong := sorted({one for one in text if not _allowed(one, row.marks)})):
                shown = " ".join(wrong)
                yield path, f"the {what} '{text}' has {shown}; {service} takes letters, numbers, spaces and {row.marks}"
    if row.one_case:
        counted = Counter(key.lower() for key in tags)
        for key in tags:
            if counted[key.lower()] > 1:
                yield f'tags["{key}"]', "another key differs from it in case only; write one of them"


def _allowed(character: str, marks: str) -> bool:
    return character in marks or unicodedata.category(character)[0] in "LNZ"
