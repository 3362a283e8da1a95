"""What autoscaling, alerts and dashboards read of any engine, under common names.

The names of a release are in `data/engines/<kind>.toml`, and a table of all is in docs/reference/engines.md.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

_FORM = r"[a-zA-Z_:][a-zA-Z0-9_:]*(\{[^{}\x00-\x1f]+\})?"


def _series(value: str) -> str:
    if not re.fullmatch(_FORM, value):
        example = 'requests{state="waiting"}'
        raise ValueError(f"'{value}' is not a series; write a name, with matchers where it needs some: {example}")
    return value


Series = Annotated[str, AfterValidator(_series), Field(json_schema_extra={"pattern": f"^{_FORM}$"})]
"""A series as PromQL selects it."""


class EngineMetrics(BaseModel):
    """What a release calls the series, as PromQL selects them: a name, with matchers where it needs some.

    None: it exposes no such series. A histogram is named without its suffix.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    requests_running: Series | None = None
    """Gauge: requests that are computed."""
    requests_waiting: Series | None = None
    """Gauge: requests that wait for their turn."""
    kv_cache_usage: Series | None = None
    """Gauge: part of the key-value cache in use, from 0 to 1."""
    requests_finished: Series | None = None
    """Counter: requests that ended."""
    requests_failed: Series | None = None
    """Counter: requests that ended with an error of the server."""
    prompt_tokens: Series | None = None
    """Counter: tokens of prompts."""
    generation_tokens: Series | None = None
    """Counter: tokens of answers."""
    preemptions: Series | None = None
    """Counter: requests that were interrupted for want of cache, and are computed anew."""
    prefix_cache_queries: Series | None = None
    """Counter: tokens of prompts that are looked up in the cache of beginnings that prompts have in common."""
    prefix_cache_hits: Series | None = None
    """Counter: those of them that it has, so that they need no computation."""
    time_to_first_token: Series | None = None
    """Histogram: seconds to the first token of an answer (TTFT)."""
    time_between_tokens: Series | None = None
    """Histogram: seconds between tokens of an answer (ITL)."""
    request_latency: Series | None = None
    """Histogram: seconds of a whole request (E2E)."""


def select(
    series: str,
    matchers: Mapping[str, str] | None = None,
    *,
    among: Mapping[str, Sequence[str]] | None = None,
    suffix: str = "",
) -> str:
    """A series as PromQL selects it, with further matchers.

    Args:
        series: A field of `EngineMetrics`.
        matchers: Label to value, such as the model's.
        among: Label to its possible values; they have no character of a regular expression.
        suffix: Part of a histogram: `_bucket`, `_sum` or `_count`.
    """
    name, _, own = series.removesuffix("}").partition("{")
    labels = [
        *([own] if own else []),
        *(f'{label}="{value}"' for label, value in (matchers or {}).items()),
        *(f'{label}=~"{"|".join(values)}"' for label, values in (among or {}).items()),
    ]
    return f"{name}{suffix}" + (f"{{{','.join(labels)}}}" if labels else "")
