"""Reads paginated lists of Alibaba Cloud completely."""

from collections.abc import Iterator, Mapping
from typing import Any

from llmplatform.doctor.checks import Ask

PAGE = 50


def pages(ask: Ask, action: str, section: str, item: str, **parameters: Any) -> Iterator[Mapping[str, Any]]:
    """Every object of a list with numbered pages."""
    number, seen = 1, 0
    while True:
        answer = ask(action, PageNumber=number, PageSize=PAGE, **parameters)
        found = (answer.get(section) or {}).get(item) or []
        yield from found
        seen += len(found)
        if not found or seen >= int(answer.get("TotalCount") or 0):
            return
        number += 1


def chained(ask: Ask, action: str, section: str, item: str, **parameters: Any) -> Iterator[Mapping[str, Any]]:
    """Every object of a list whose pages name the next one."""
    token: dict[str, str] = {}
    while True:
        answer = ask(action, MaxResults=100, **token, **parameters)
        yield from (answer.get(section) or {}).get(item) or []
        if not answer.get("NextToken"):
            return
        token = {"NextToken": answer["NextToken"]}
