"""Objectives of a model: what its users can expect, and what alerts measure it by."""

from typing import Annotated

from pydantic import Field

from llmplatform.specs.section import Section

Percent = Annotated[float, Field(ge=50, le=99.99)]


class Latency(Section):
    """A time that most requests, or most tokens, are within."""

    seconds: Annotated[float, Field(gt=0, le=3600)]
    """The time in seconds. Near the bounds of the engine's own histogram it is measured best."""
    percent: Percent = 95
    """Part that is within it, in a month."""


class Objectives(Section):
    """What alerts measure a model by: they page when a month's budget of misses would be gone within days."""

    availability: Percent = 99.5
    """Part of the requests that end without an error of the server, in percent."""
    time_to_first_token: Latency | None = None
    """Time to the first token of an answer (TTFT)."""
    time_between_tokens: Latency | None = None
    """Time between two tokens of an answer (ITL)."""
    request_latency: Latency | None = None
    """Time of a whole request (E2E)."""

    @property
    def latencies(self) -> dict[str, Latency]:
        """Those of times, by their name, which is that of the engine's histogram."""
        named = {
            name: getattr(self, name) for name in ("time_to_first_token", "time_between_tokens", "request_latency")
        }
        return {name: each for name, each in named.items() if each}
