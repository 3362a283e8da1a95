"""The metrics that are known, with their types.

`exporters/*.txt` has those of exporters, as a scrape would tell them; the catalog has those of engines, and rules
record more. A metric of an engine whose type is not known has the type None.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from llmplatform.addons.gpu_metrics import COUNTERS
from llmplatform.catalog import engines
from llmplatform.catalog.engine_flags import names
from llmplatform.catalog.engine_metrics import EngineMetrics
from llmplatform.catalog.rules import topics
from llmplatform.serving.engines import ENGINES

Type = Literal["counter", "gauge", "histogram", "summary", "buckets", "rates"]
"""What a series is. `buckets` are counters of a histogram's; `rates` are recorded rates of these."""
FOLDER = Path(__file__).parent / "exporters"
COMMON: Mapping[str, Type] = {"Counter": "counter", "Gauge": "gauge", "Histogram": "histogram"}
"""First word of what `EngineMetrics` says of a field."""
PARTS: Mapping[str, Mapping[str, Type]] = {
    "histogram": {"_bucket": "buckets", "_sum": "counter", "_count": "counter"},
    "summary": {"_sum": "counter", "_count": "counter"},
}


@dataclass(frozen=True)
class Metrics:
    """Known metrics by name."""

    types: Mapping[str, Type | None]

    def matching(self, pattern: str) -> frozenset[str]:
        """The series that a regular expression names."""
        return frozenset(name for name in self.types if re.fullmatch(pattern, name))

    @staticmethod
    @cache
    def known() -> "Metrics":
        """All that the platform scrapes or records."""
        return Metrics({**_of_engines(), **_of_gpus(), **_of_exporters(), **_recorded(), "up": "gauge"})


def _of_gpus() -> dict[str, Type | None]:
    """What the exporter is told to export, also beyond its own lists."""
    return {name: "counter" if type_ == "counter" else "gauge" for name, (type_, _) in COUNTERS.items()}


def _of_exporters() -> dict[str, Type | None]:
    text = "\n".join(path.read_text() for path in sorted(FOLDER.glob("*.txt")))
    return _whole(re.findall(r"^# TYPE (\S+) (counter|gauge|histogram|summary)$", text, re.MULTILINE))


def _of_engines() -> dict[str, Type | None]:
    found: dict[str, Type | None] = {}
    for kind in ENGINES:
        facts = engines.facts(kind)
        for release in facts.releases:
            listed = names(kind, release.version, "metric")
            found |= dict.fromkeys([name + part for name in listed for part in ("", *PARTS["histogram"])])
            found |= _whole((name, "counter") for name in listed if name.endswith("_total"))
            found |= _whole(_common(release.metrics))
    return found


def _common(metrics: EngineMetrics) -> Iterable[tuple[str, Type]]:
    for name, field in EngineMetrics.model_fields.items():
        if series := getattr(metrics, name):
            word = str(field.description).partition(":")[0]
            yield str(series).partition("{")[0], COMMON[word]


def _recorded() -> dict[str, Type | None]:
    names = [each.record for topic in topics().values() for each in topic.recordings]
    return {name: "rates" if ":bucket_rate" in name else "gauge" for name in names}


def _whole(typed: Iterable[tuple[str, Type]]) -> dict[str, Type | None]:
    """The series of metrics, without the name of a histogram, which is that of no series."""
    found: dict[str, Type | None] = {}
    for name, type_ in typed:
        found |= {name + part: each for part, each in PARTS.get(type_, {}).items()}
        found |= {} if type_ == "histogram" else {name: "gauge" if type_ == "summary" else type_}
    return found
