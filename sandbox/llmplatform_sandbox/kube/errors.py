"""Errors of the Kubernetes API, and their text in one line."""

import re
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any

_TYPED = re.compile(
    r"^(?:failed to create typed patch object \(.*?\): |errors:)?\s*\.(?P<path>\S+?): (?P<fault>.+)$", re.MULTILINE
)
_DECODING = re.compile(r"(?P<fault>unknown|duplicate) field \"(?P<path>[^\"]+)\"")
_GOT = re.compile(r", got &value\.\S+.*$")
_NO_FIELD = "no such field; check the spelling and the API version"


class KubeError(Exception):
    """The API server's refusal (a `Status`), or its absence (`code` 0)."""

    def __init__(self, code: int, reason: str, message: str, details: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.details = details or {}

    @classmethod
    def from_status(cls, code: int, status: Any, text: str) -> "KubeError":
        """From an answer: its parsed body, if it has one, and its text."""
        if isinstance(status, dict) and status.get("kind") == "Status":
            return cls(code, status.get("reason", ""), status.get("message", ""), status.get("details"))
        return cls(code, "", text.strip()[:500] or f"HTTP {code}")

    @property
    def not_found(self) -> bool:
        """Whether the object, its namespace or its kind does not exist."""
        return self.code == 404

    @property
    def conflict(self) -> bool:
        """Whether another client was faster, or owns a field."""
        return self.code == 409

    @property
    def passing(self) -> bool:
        """Whether the next look will be past it: the object is gone or changed, or its namespace is terminating."""
        return self.not_found or self.conflict or "being terminated" in str(self)

    @property
    def unreachable(self) -> bool:
        """Whether there was no answer at all."""
        return self.code == 0

    def lines(self, what: str) -> list[str]:
        """A line per fault: `what` (for example `Deployment default/web`), field path, what is wrong."""
        message = str(self)
        faults = {match["path"]: _fault(match["fault"]) for match in _TYPED.finditer(message)}
        faults |= {match["path"]: _fault(match["fault"]) for match in _DECODING.finditer(message)}
        if not faults:
            # One field can be refused twice in the same words (once per rule); the first is enough.
            causes = [cause for cause in reversed(self.details.get("causes", [])) if cause.get("field")]
            faults = {cause["field"]: cause["message"] for cause in causes}
            faults = dict(reversed(faults.items()))
        if faults:
            return [f"{what}: {path}: {fault}" for path, fault in faults.items()]
        return [f"{what}: {' '.join(message.split())}"]


def _fault(text: str) -> str:
    if text in ("field not declared in schema", "unknown"):
        return _NO_FIELD
    if text == "duplicate":
        return "given twice; keep one"
    # The offending value may be secret.
    return _GOT.sub("", text)


@contextmanager
def next_round_sees() -> Generator[None]:
    """For loops with further rounds: ignores errors that another look will be past."""
    try:
        yield
    except KubeError as error:
        if not error.passing:
            raise


class UnknownKind(KubeError):
    """The API server serves no such kind (its CRD is missing, or a typo)."""

    def __init__(self, api_version: str, kind: str) -> None:
        super().__init__(
            404, "UnknownKind", f"the cluster serves no kind {kind} of {api_version}; is its CRD installed?"
        )
