"""Times: moments of a schedule, and time zones."""

import zoneinfo
from bisect import bisect_left
from collections.abc import Collection, Iterator, Mapping
from datetime import date, datetime, time, timedelta
from functools import cache
from itertools import pairwise
from math import ceil
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from llmplatform.specs.vocabulary.matching import Matching

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_LENGTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_ANY = ("*", "?")
_DAY = 24 * 60
_FIRST = date(2096, 1, 2)
"""A Monday, before a leap day."""
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
    named: dict[str, set[int]] = {}
    for (name, (low, high, names)), field in zip(_FIELDS.items(), fields, strict=True):
        for part in field.split(","):
            found = _numbered(part, low, high, names)
            if not found:
                raise ValueError(f"'{part}' is no {name} from {low} to {high}; {_FORM}")
            named.setdefault(name, set()).update(found)
    days, months, any_weekday = named["day of the month"], named["month"], not {*_ANY}.isdisjoint(fields[4].split(","))
    # With both days restricted, either one is enough (spec.go, dayMatches); `*/2` restricts (parser.go, getRange).
    if any_weekday and min(days) > max(_LENGTHS[month - 1] for month in months):
        raise ValueError(f"'{value}' never comes: no month that it names has day {min(days)}; write another day")
    return value


@cache
def _comings(moment: str, span: int) -> tuple[tuple[date, ...], tuple[int, ...]]:
    """Days of a span on which a schedule comes, and the minutes of such a day."""
    minutes, hours, days, months, weekdays = (
        {number for part in field.split(",") for number in _numbered(part, low, high, names)}
        for (low, high, names), field in zip(_FIELDS.values(), moment.split(), strict=True)
    )
    free = [not {*_ANY}.isdisjoint(moment.split()[place].split(",")) for place in (2, 4)]

    def comes(day: date) -> bool:
        right = day.day in days, day.isoweekday() % 7 in weekdays
        return day.month in months and (all(right) if any(free) else any(right))

    dates = tuple(day for day in (_FIRST + timedelta(number) for number in range(span)) if comes(day))
    return dates, tuple(sorted(60 * hour + minute for hour in hours for minute in minutes))


def longest_pause(moment: str) -> int:
    """Hours from one time that a schedule comes to the next, at most."""
    dates, times = _comings(moment, _span(moment))
    between = max((after - before).days for before, after in pairwise(dates))
    last = _DAY * between - (times[-1] - times[0])
    return ceil(max([last, *(after - before for before, after in pairwise(times))]) / 60)


def oldest(made: str, seen: str) -> int:
    """Hours from the last time that the schedule `made` came to the next of `seen`, at most."""
    span = _span(made, seen)
    (made_on, made_at), (seen_on, seen_at) = _comings(made, span), _comings(seen, span)

    def ages() -> Iterator[int]:
        for day in seen_on:
            for minute in seen_at:
                before = bisect_left(made_at, minute) if day in made_days else 0
                if before:
                    yield minute - made_at[before - 1]
                elif earlier := bisect_left(made_on, day):
                    yield _DAY * (day - made_on[earlier - 1]).days + minute - made_at[-1]

    made_days = frozenset(made_on)
    return max(ages()) // 60


def out_of_turn(start: str, end: str) -> tuple[str, datetime, datetime] | None:
    """The first two moments after each other that are both a `start` or both an `end`, after the word for which.

    A moment that is both is given twice. None: the two take turns.
    """
    span = _span(start, end)
    comings = {"start": _comings(start, span), "end": _comings(end, span)}
    days = {kind: frozenset(dates) for kind, (dates, _) in comings.items()}
    marks = sorted((minute, kind) for kind, (_, times) in comings.items() for minute in times)
    known: dict[tuple[str, ...], list[tuple[int, str]]] = {}
    last: tuple[datetime, str] | None = None
    for day in sorted(days["start"] | days["end"]):
        kinds = tuple(kind for kind in days if day in days[kind])
        midnight, fresh = datetime.combine(day, time()), kinds not in known
        today = known.setdefault(kinds, [mark for mark in marks if mark[1] in kinds])
        # Within a day of a kind that was seen before, nothing is new.
        for minute, kind in today if fresh else today[:1]:
            now = midnight + timedelta(minutes=minute)
            if last and (last[0] == now or last[1] == kind):
                return kind, last[0], now
            last = now, kind
        last = midnight + timedelta(minutes=today[-1][0]), today[-1][1]
    return None


def is_weekly(*moments: str) -> bool:
    """Whether every week is like the next."""
    return all(moment.split()[place] in _ANY for moment in moments for place in (2, 3))


def _span(*moments: str) -> int:
    """Days after which nothing new comes: a leap day comes within eight years."""
    return 5 * 7 if is_weekly(*moments) else 9 * 366


def _numbered(part: str, low: int, high: int, names: Mapping[str, int]) -> Collection[int]:
    """The numbers that a part of a field means (`*`, `5`, `1-5`, `*/15`); none if it is not within the bounds."""
    span, slash, step = part.partition("/")
    if slash and not (step.isascii() and step.isdigit() and int(step)):
        return ()
    if span in _ANY:
        first, last = low, high
    else:
        ends = [end for end in _numbers(span, names) if end is not None]
        if len(ends) != span.count("-") + 1 or len(ends) > 2:
            return ()
        # A number with steps is the first of all up to the end (spec.go, getRange).
        first, last = ends[0], high if slash and len(ends) == 1 else ends[-1]
    return range(first, last + 1, int(step or 1)) if low <= first <= last <= high else ()


def _numbers(span: str, names: Mapping[str, int]) -> Iterator[int | None]:
    for end in span.split("-"):
        yield int(end) if end.isascii() and end.isdigit() else names.get(end.lower())


def _zone(value: str) -> str:
    known = zoneinfo.available_timezones()
    # A machine without the database, such as a slim image, cannot tell.
    if known and value not in known:
        raise ValueError(f"'{value}' is no time zone; write a name of the IANA database, like Europe/Berlin")
    return value


def _date(value: str) -> str:
    try:
        datetime.fromisoformat(value)
    except ValueError:
        raise ValueError(f"'{value}' is no day of the calendar; write one that its month has") from None
    return value


Moment = Annotated[
    str,
    Field(max_length=200, json_schema_extra={"pattern": r"^\s*\S+(\s+\S+){4}\s*$"}),
    AfterValidator(_moment),
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
    AfterValidator(_date),
]
"""A moment to the second, in UTC."""
TimeZone = Annotated[str, Field(max_length=64, json_schema_extra={"pattern": r"^[\w+/-]+$"}), AfterValidator(_zone)]
"""A name of the IANA time zone database."""
Weekday = Literal["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
