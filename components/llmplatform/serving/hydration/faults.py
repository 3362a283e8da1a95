"""Faults of a download, and their exit codes."""

import re
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

REFUSED_CODE = 3
"""Exit code: another try would fail like this one."""
TIRED_CODE = 4
"""Exit code: another try continues where this one stopped."""

_LONGEST_WAIT = 300.0
_RATE_LIMIT = re.compile(r"\bt\s*=\s*(\d+)")


class Refused(Exception):
    """No try will succeed before a setting changes; the message says which."""


class Answered(Refused):
    """A server's answer to a request, which another try would get again."""

    def __init__(self, said: str, status: int, remedy: str = "", *, elsewhere: bool = False) -> None:
        super().__init__(f"{said}: {remedy}" if remedy else said)
        self.said, self.status, self.elsewhere = said, status, elsewhere
        """`elsewhere`: another endpoint has what was asked for."""


class Tired(Exception):
    """No data for too long, or wrong data; another start continues from here."""


class Stopped(Tired):
    """Another process has ended the attempt."""


class Transient(Exception):
    """Worth another try, at the earliest after `wait` seconds if the server has named a time."""

    def __init__(self, message: str, wait: float | None = None) -> None:
        super().__init__(message)
        self.wait = wait


class Changed(Exception):
    """The server sends other content than announced."""


def announced_wait(headers: Mapping[str, str], now: float | None = None) -> float | None:
    """Seconds to wait in a refusal: `Retry-After`, in seconds or as a date, or the draft header `RateLimit`."""
    known = {name.lower(): value for name, value in headers.items()}
    after = known.get("retry-after", "").strip()
    if after.isdigit():
        return min(float(after), _LONGEST_WAIT)
    if after:
        try:
            wanted = parsedate_to_datetime(after).timestamp() - (now or time.time())
        except ValueError:
            return None
        return min(max(wanted, 0.0), _LONGEST_WAIT)
    limited = _RATE_LIMIT.search(known.get("ratelimit", ""))
    return min(float(limited[1]), _LONGEST_WAIT) if limited else None
