"""What autoscaling, alerts and dashboards read of any engine, under common names.

The names of a release are in `data/engines/<kind>.toml`, and a table of all is in docs/reference/engines.md.
"""

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict


class EngineMetrics(BaseModel):
    """What a release calls the series, as PromQL selects them: a name, with matchers where it needs some.

    None: it exposes no such series. A histogram is named without its suffix.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    requests_running: str | None = None
    """Gauge: requests that are computed."""
    requests_waiting: str | None = None
    """Gauge: requests that wait for their turn."""
    kv_cache_usage: str | None = None
    """Gauge: part of the key-value cache in use, from 0 to 1."""
    requests_finished: str | None = None
    """Counter: requests that ended."""
    requests_failed: str | None = None
    """Counter: requests that ended with an error of the server."""
    prompt_tokens: str | None = None
    """Counter: tokens of prompts."""
    generation_tokens: str | None = None
    """Counter: tokens of answers."""
    time_to_first_token: str | None = None
    """Histogram: seconds to the first token of an answer (TTFT)."""
    time_between_tokens: str | None = None
    """Histogram: seconds between tokens of an answer (ITL)."""
    request_latency: str | None = None
    """Histogram: seconds of a whole request (E2E)."""


def select(series: str, matchers: Mapping[str, str] | None = None, *, suffix: str = "") -> str:
    """A series as PromQL selects it, with further matchers.

    Args:
        series: A field of `EngineMetrics`.
        matchers: Label to value, such as the model's.
        suffix: Part of a histogram: `_bucket`, `_sum` or `_count`.
    """
    name, _, own = series.removesuffix("}").partition("{")
    labels = [*([own] if own else []), *(f'{label}="{value}"' for label, value in (matchers or {}).items())]
    return f"{name}{suffix}" + (f"{{{','.join(labels)}}}" if labels else "")
