"""The memory of models on GPUs against what engines said at their start (engine_starts.csv: public logs, each with its
place)."""

import csv
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

import pytest

from llmplatform.catalog import engines, gpus, models
from llmplatform.planning.fit import Fit, fit
from llmplatform.specs.engines import GpuUse


@dataclass(frozen=True, kw_only=True)
class Start:
    """One line of the table."""

    name: str
    computed: Fit
    weights_gib: float | None
    kv_gib: float | None
    tokens: float | None
    refused: bool
    """The engine did not start."""

    @property
    def ratio(self) -> float:
        """Computed capacity to the true one."""
        if self.tokens is not None:
            return self.computed.kv_tokens / self.tokens
        assert self.kv_gib is not None
        return self.computed.kv_gib / self.kv_gib


def _number(cell: str) -> float | None:
    return float(cell) if cell else None


def _as_started(row: dict[str, str]) -> dict[str, object]:
    """What the start had other than by default."""
    batched = {"batched_tokens": {0: int(row["batched_tokens"])}} if row["batched_tokens"] else {}
    return {**batched, **({"states": int(row["states"])} if row["states"] else {})}


def _start(row: dict[str, str]) -> Start:
    shape = models.get(row["model"])
    assert shape is not None, row["model"]
    if row["bytes_per_parameter"]:
        shape = replace(shape, bytes_per_parameter=float(row["bytes_per_parameter"]))
    computed = fit(
        shape,
        gpus.get(row["gpu"]),
        engines.facts("vllm").memory.model_copy(update=_as_started(row)),
        GpuUse(
            share=float(row["utilization"]),
            kv_bytes=int(row["kv_bytes"]),
            sequences=int(row["max_num_seqs"]) if row["max_num_seqs"] else None,
        ),
        tensor_parallel=int(row["tensor_parallel"]),
        context_length=int(row["context_length"]),
    )
    name = f"{row['model']} {row['tensor_parallel']}x{row['gpu']} at {row['utilization']}, {row['engine']}"
    numbers = {column: _number(row[column]) for column in ("weights_gib", "kv_gib", "tokens")}
    return Start(name=name, computed=computed, refused=row["refused"] == "yes", **numbers)


def _starts() -> list[Start]:
    lines = (Path(__file__).parent / "engine_starts.csv").read_text("utf-8").splitlines()
    return [_start(row) for row in csv.DictReader(line for line in lines if not line.startswith("#"))]


STARTS = _starts()
STARTED = [start for start in STARTS if not start.refused]
REFUSED = [start for start in STARTS if start.refused]


@pytest.mark.parametrize("start", STARTS, ids=[start.name for start in STARTS])
def test_weights_take_what_the_engine_says(start: Start) -> None:
    if start.weights_gib is not None:
        assert start.computed.weights_gib == pytest.approx(start.weights_gib, rel=0.05)


@pytest.mark.parametrize("start", STARTED, ids=[start.name for start in STARTED])
def test_the_cache_is_never_much_smaller_than_promised(start: Start) -> None:
    assert start.ratio <= 1.05, "a context that is said to fit would not"
    assert start.computed.fits, "the engine started with this context"


@pytest.mark.parametrize("start", REFUSED, ids=[start.name for start in REFUSED])
def test_what_an_engine_refused_is_refused(start: Start) -> None:
    assert start.kv_gib is not None
    assert not start.computed.fits
    assert start.computed.kv_gib == pytest.approx(start.kv_gib, abs=1)


def test_few_answers_are_more_careful_than_they_need_be() -> None:
    ratios = [start.ratio for start in STARTED]
    assert median(ratios) == pytest.approx(1, abs=0.05)
    close = sum(ratio >= 0.9 for ratio in ratios)
    assert close >= 0.8 * len(ratios)


def test_a_request_to_a_hybrid_model_keeps_more_than_its_tokens() -> None:
    """Two starts of one engine: a fourth of the length is not worth four times the requests."""
    short, long = (start for start in STARTED if start.name.startswith("Qwen/Qwen3.5-35B-A3B 1xH200"))
    assert short.computed.context_length < long.computed.context_length
    assert short.computed.kv_tokens < long.computed.kv_tokens
