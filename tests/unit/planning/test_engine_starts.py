"""The memory of models on GPUs against what engines said at their start (engine_starts.csv: public logs, each with its
place)."""

import csv
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

import pytest

from llmplatform.catalog import engines, gpus, models
from llmplatform.catalog.models import ModelShape
from llmplatform.planning.fit import SMALLEST_MARGIN, Fit, fit
from llmplatform.specs.engines import GpuUse


@dataclass(frozen=True, kw_only=True)
class Start:
    """One line of the table."""

    name: str
    kind: str
    """Class of its model."""
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


BOUNDS = {
    "dense": (0.92, 1.049),
    "dense, a fourth of the GPU": (0.63, 1.0),
    "pictures": (0.87, 1.02),
    "experts": (0.90, 1.0),
    "latent": (0.968, 1.038),
    "windows": (0.81, 1.0),
    "hybrid": (0.87, 1.0),
}
"""The least and the largest computed capacity by class of model, as parts of the true one: as the starts below have it.
A constant error weighs most where the cache is small."""


def _kind(shape: ModelShape, share: float) -> str:
    if shape.state_mib:
        return "hybrid"
    if shape.latent_kv:
        return "latent"
    if shape.window_layers:
        return "windows"
    if shape.image_encoder:
        return "pictures"
    return "experts" if shape.experts else "dense" if share > 0.3 else "dense, a fourth of the GPU"


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
    kind = _kind(shape, float(row["utilization"]))
    return Start(name=name, kind=kind, computed=computed, refused=row["refused"] == "yes", **numbers)


def _starts() -> list[Start]:
    lines = (Path(__file__).parent / "engine_starts.csv").read_text("utf-8").splitlines()
    return [_start(row) for row in csv.DictReader(line for line in lines if not line.startswith("#"))]


STARTS = _starts()
STARTED = [start for start in STARTS if not start.refused]
REFUSED = [start for start in STARTS if start.refused]


@pytest.mark.parametrize("start", STARTS, ids=[start.name for start in STARTS])
def test_weights_take_what_the_engine_says(start: Start) -> None:
    if start.weights_gib is not None:
        bound = {"latent": 0.002, "windows": 0.05}.get(start.kind, 0.021)
        assert start.computed.weights_gib == pytest.approx(start.weights_gib, rel=bound)


@pytest.mark.parametrize("start", STARTED, ids=[start.name for start in STARTED])
def test_the_cache_is_as_large_as_promised(start: Start) -> None:
    least, most = BOUNDS[start.kind]
    assert least <= start.ratio <= most
    assert start.computed.fits, "the engine started with this context"


@pytest.mark.parametrize("start", REFUSED, ids=[start.name for start in REFUSED])
def test_what_an_engine_refused_is_refused(start: Start) -> None:
    assert start.kv_gib is not None
    assert not start.computed.fits
    assert start.kv_gib - 0.8 <= start.computed.kv_gib <= start.kv_gib + 0.2


def test_the_smallest_margin_covers_the_largest_excess() -> None:
    """A context that is said to fit by it would have fitted in each of these starts."""
    assert max(start.ratio for start in STARTED) < 1 + SMALLEST_MARGIN


def test_few_answers_are_more_careful_than_they_need_be() -> None:
    assert median(start.ratio for start in STARTED) == pytest.approx(0.99, abs=0.01)


def test_a_request_to_a_hybrid_model_keeps_more_than_its_tokens() -> None:
    """Two starts of one engine: a fourth of the length is not worth four times the requests."""
    short, long = (start for start in STARTED if start.name.startswith("Qwen/Qwen3.5-35B-A3B 1xH200"))
    assert short.computed.context_length < long.computed.context_length
    assert short.computed.kv_tokens < long.computed.kv_tokens
