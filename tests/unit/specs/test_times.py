"""Moments of a schedule: what KEDA's parser (robfig/cron v3) takes and refuses, spec_test.go and parser_test.go."""

import zoneinfo

import pytest
from pydantic import TypeAdapter, ValidationError

from llmplatform.specs.vocabulary import times
from llmplatform.specs.vocabulary.times import Moment, TimeZone, longest_pause, oldest, out_of_turn

MOMENT, ZONE = TypeAdapter[str](Moment), TypeAdapter[str](TimeZone)


@pytest.mark.parametrize(
    "text",
    ["0 8 * * 1-5", "*/15 * * * *", "0,30 8-18/2 1,15 jan-MAR Sun", "5/10 0 ? * *", "59 23 31 12 6", "0  8 * * *"],
)
def test_a_moment_has_five_fields_within_their_bounds(text: str) -> None:
    assert MOMENT.validate_python(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "60 * * * *",
        "* 24 * * *",
        "* * 0 * *",
        "* * 32 * *",
        "* * * 13 *",
        "* * * * 7",
        "* * * * fri-mon",
        "* * * xxx *",
        "*/0 * * * *",
        "*/-1 * * * *",
        "1-2-3 * * * *",
        "1, * * * *",
        "- * * * *",
        "* * * *",
        "0 0 0 * * *",
        "@daily",
        "CRON_TZ=UTC 0 5 * * *",
        "٣ * * * *",
        "",
    ],
)
def test_what_the_parser_refuses_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        MOMENT.validate_python(text)


@pytest.mark.parametrize("text", ["0 0 30 2 *", "0 0 31 4,6,sep,11 ?", "0 0 30/5 feb *", "0 0 31 4 1,*"])
def test_a_moment_that_never_comes_is_refused(text: str) -> None:
    with pytest.raises(ValidationError, match="never comes"):
        MOMENT.validate_python(text)


@pytest.mark.parametrize("text", ["0 0 29 2 *", "0 0 31 4,5 *", "0 0 28/5 2 *", "0 0 30 2 1", "0 0 31 4 */2"])
def test_a_moment_that_comes_seldom_is_taken(text: str) -> None:
    assert MOMENT.validate_python(text) == text


def test_a_long_text_is_refused_before_it_is_read() -> None:
    with pytest.raises(ValidationError, match="at most 200 characters"):
        MOMENT.validate_python("1" * 5000 + " * * * *")


def test_a_time_zone_is_one_of_the_database(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ZONE.validate_python("Asia/Shanghai") == "Asia/Shanghai"
    with pytest.raises(ValidationError, match="no time zone"):
        ZONE.validate_python("Asia/Shanghia")
    monkeypatch.setattr(zoneinfo, "available_timezones", set)
    assert times.zoneinfo is zoneinfo
    assert ZONE.validate_python("Asia/Shanghia"), "a machine without the database cannot tell"


@pytest.mark.parametrize(
    ("moment", "hours"),
    {
        "47 0 * * *": 24,
        "*/15 * * * *": 1,
        "0 */6 * * *": 6,
        "0 0,1 * * *": 23,
        "0 8-17 * * 1-5": 63,
        "0 3 * * 0": 168,
        "0 3 1 * *": 31 * 24,
        "0 3 31 * *": 61 * 24,
        "0 3 1 * 1": 168,
        "0 3 1 1 *": 366 * 24,
        "0 3 29 2 *": 8 * 365 * 24 + 24,
    }.items(),
)
def test_the_longest_pause_of_a_schedule_is_what_a_calendar_says(moment: str, hours: int) -> None:
    assert longest_pause(moment) == hours


@pytest.mark.parametrize(
    ("made", "seen", "hours"),
    [
        ("17 2 * * *", "17 5 1 * *", 3),
        ("17 2 * * *", "17 2 * * *", 24),
        ("0 0 * * 3", "17 4 * * 0", 100),
        ("17 2 * * 0", "17 5 1 * *", 147),
        ("0 */6 * * *", "30 1,13 * * 1", 1),
    ],
)
def test_the_newest_backup_at_a_drill_is_as_old_as_a_calendar_says(made: str, seen: str, hours: int) -> None:
    assert oldest(made, seen) == hours


@pytest.mark.parametrize(
    ("start", "end", "found"),
    [
        ("30 7 * * 1-5", "0 19 * * 1-5", None),
        ("0 22 * * 1-5", "0 6 * * 2-6", None),
        ("0 8,14 * * *", "0 12,18 * * *", None),
        ("0 8 1 * *", "0 8 5 * *", None),
        ("30 7 * * 1-5", "0 19 * * *", ("end", "Fri 19:00", "Sat 19:00")),
        ("* 8-18 * * 1-5", "* 19 * * 1-5", ("start", "Mon 08:00", "Mon 08:01")),
        ("30 7 * * *", "30 07 * * 1", ("start", "Mon 07:30", "Mon 07:30")),
    ],
)
def test_begins_and_ends_take_turns_or_are_named(start: str, end: str, found: tuple[str, str, str] | None) -> None:
    said = out_of_turn(start, end)
    assert (said and (said[0], *(f"{moment:%a %H:%M}" for moment in said[1:]))) == found
