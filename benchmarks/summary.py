"""Statistics of the measurements: medians, spreads, and ratios of the program to its raw twin."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

Sample = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Spread:
    """A median with the least and the most that were seen."""

    middle: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """The spread of some values."""
        return cls(middle=median(values), least=min(values), most=max(values))


@dataclass(frozen=True, kw_only=True)
class Row:
    """One case: the program, and how it compares with the same resources registered raw."""

    operation: str
    models: int
    stacks: int
    checkpoints: bool
    repetitions: int
    resources: int
    raw_resources: int
    seconds: Spread
    cpu: Spread
    raw_cpu: Spread
    """Seconds of processor time of program and engine."""
    program_mib: float
    engine_mib: float
    providers_mib: float
    time_ratio: Spread
    """Processor time per registered resource, program to raw, repetition by repetition."""
    memory_ratio: Spread
    """Memory of program and engine, program to raw."""

    @property
    def name(self) -> str:
        """The stack or stacks."""
        return f"{self.stacks} of {self.models}" if self.stacks > 1 else f"{self.models:,}"


def rows(samples: Sequence[Sample]) -> Iterator[Row]:
    """A row for each case, in the order in which they were measured."""
    cases = dict.fromkeys(_case(sample) for sample in samples)
    for case in cases:
        mine = [sample for sample in samples if _case(sample) == case]
        ours = [sample for sample in mine if sample["program"] == "components"]
        raw = [sample for sample in mine if sample["program"] == "raw"]
        operation, models, stacks, checkpoints = case
        yield Row(
            operation=operation,
            models=models,
            stacks=stacks,
            checkpoints=checkpoints,
            repetitions=len(ours),
            resources=ours[0]["resources"],
            raw_resources=raw[0]["resources"],
            seconds=Spread.of([sample["seconds"] for sample in ours]),
            cpu=Spread.of([cpu(sample) for sample in ours]),
            raw_cpu=Spread.of([cpu(sample) for sample in raw]),
            program_mib=median(sample["program_mib"] for sample in ours),
            engine_mib=median(sample["engine_mib"] for sample in ours),
            providers_mib=median(sample["providers_mib"] for sample in ours),
            time_ratio=_ratio(ours, raw, lambda sample: cpu(sample) / sample["resources"]),
            memory_ratio=_ratio(ours, raw, lambda sample: sample["program_mib"] + sample["engine_mib"]),
        )


def cpu(sample: Sample) -> float:
    """Processor time of program and engine."""
    return sample["program_cpu"] + sample["engine_cpu"]


def _case(sample: Sample) -> tuple[str, int, int, bool]:
    return sample["operation"], sample["models"], sample["stacks"], sample["checkpoints"]


def _ratio(ours: Sequence[Sample], raw: Sequence[Sample], figure: Callable[[Sample], float]) -> Spread:
    return Spread.of([figure(one) / figure(other) for one, other in zip(ours, raw, strict=True)])
