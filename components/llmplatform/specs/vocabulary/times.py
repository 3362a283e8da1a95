"""Times: moments of a schedule, and time zones."""

import zoneinfo
from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from llmplatform.specs.vocabulary.matching import Matching

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_FIELDS: Mapping[str, tuple[int, int, Mapping[str, int]]] = {
    "minute": (0, 59, {}),
    "hour": (0, 23, {}),
    "day of the month": (1, 31, {}),
    "month": (1, 12, {name: number for number, name in enumerate(_MONTHS, 1)}),
    # Sunday is 0 alone.
    "day of the week": (0, 6, {name: number for number, name in enumerate(_DAYS)}),
}
"""Name of a field to its bounds and the names of its numbers: robfig/cron v3, spec.go, as KEDA parses it
(pkg/scalers/cron_scaler.go at v2.20.2)."""
_FORM = "write minute, hour, day, month and weekday, like '0 8 * * 1-5'"


def _moment(value: str) -> str:
    fields = value.split()
    if len(fields) != len(_FIELDS):
        raise ValueError(f"'{value}' has {len(fields)} fields and not five; {_FORM}")
    for (name, (low, high, names)), field in zip(_FIELDS.items(), fields, strict=True):
        for part in field.split(","):
            if not _possible(part, low, high, names):
                raise ValueError(f"'{part}' is no {name} from {low} to {high}; {_FORM}")
    return value


def _possible(part: str, low: int, high: int, names: Mapping[str, int]) -> bool:
    """Whether a part of a field (`*`, `5`, `1-5`, `*/15`) names something within the bounds."""
    span, slash, step = part.partition("/")
    if slash and not (step.isascii() and step.isdigit() and int(step)):
        return False
    if span in ("*", "?"):
        return True
    ends = list(_numbers(span, names))
    return len(ends) <= 2 and None not in ends and low <= (ends[0] or 0) <= (ends[-1] or 0) <= high


def _numbers(span: str, names: Mapping[str, int]) -> Iterator[int | None]:
    for end in span.split("-"):
        yield int(end) if end.isascii() and end.isdigit() else names.get(end.lower())


def _zone(value: str) -> str:
    known = zoneinfo.available_timezones()
    # A machine without the database, such as a slim image, cannot tell.
    if known and value not in known:
        raise ValueError(f"'{value}' is no time zone; write a name of the IANA database, like Europe/Berlin")
    return value


Moment = Annotated[
    str,
    AfterValidator(_moment),
    Field(max_length=200, json_schema_extra={"pattern": r"^\s*\S+(\s+\S+){4}\s*$"}),
]
"""A moment that comes back, in the five fields of cron."""
DumpMoment = Annotated[
    str,
    Matching(
        r"newest|\d{4}-\d{2}-\d{2}T\d{2}-\d{2}-\d{2}Z", "write newest, or the name of a dump, like 2026-01-31T02-17-09Z"
    ),
]
"""A dump, by its moment in UTC, or the newest one."""
Timestamp = Annotated[
    str,
    Matching(
        r"20\d\d-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:[0-5]\dZ",
        "write a moment in UTC in quotes, like '2026-11-30T12:00:00Z'",
    ),
]
"""A moment to the second, in UTC."""
TimeZone = Annotated[str, AfterValidator(_zone), Field(max_length=64, json_schema_extra={"pattern": r"^[\w+/-]+$"})]
"""A name of the IANA time zone database."""
Weekday = Literal["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
