"""Recording rules and alerts of a stack: those of `catalog/data/rules` that apply, with their placeholders filled.

A rule is left out if a series that it reads is not recorded, because no engine of the stack has it.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from string import Template
from typing import Any

from llmplatform.catalog.engine_metrics import select
from llmplatform.catalog.rules import RECORD, Alert, Recording, topics
from llmplatform.planning.models import ModelPlan

WINDOWS = ("5m", "30m", "1h", "6h", "3d")
"""Windows of the budgets' burn rates."""
SERIES_MODEL_LABEL = "llmplatform_dev_model"
"""Label of a model's series: `base/labels.py` has the label that it comes from."""
FAILING = "|".join(
    (
        "CrashLoopBackOff",
        "CreateContainerConfigError",
        "CreateContainerError",
        "ErrImagePull",
        "ImagePullBackOff",
        "InvalidImageName",
        "RunContainerError",
    )
)
"""Reasons of a waiting container that time does not mend."""
MODEL_TOPICS = ("models", "objectives")
"""Topics of the stack that has the models; `planning/platform_rules.py` has the others."""


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A rule as Prometheus reads it."""

    expr: str
    record: str | None = None
    alert: str | None = None
    lasts: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    annotations: Mapping[str, str] = field(default_factory=dict[str, str])

    def plain(self) -> dict[str, Any]:
        """The rule in a group of rules."""
        given = {
            "record": self.record,
            "alert": self.alert,
            "expr": self.expr,
            "for": self.lasts,
            "labels": dict(self.labels),
            "annotations": dict(self.annotations),
        }
        return {key: value for key, value in given.items() if value}


@dataclass(frozen=True, kw_only=True)
class Group:
    """Rules that are evaluated one after the other."""

    name: str
    rules: tuple[Rule, ...]

    def plain(self) -> dict[str, Any]:
        """The group in a file of rules."""
        return {"name": self.name, "rules": [rule.plain() for rule in self.rules]}


Filled = Mapping[str, str]
"""Placeholder to text."""
Fillings = Callable[[Recording | Alert], Iterable[tuple[Filled, Mapping[str, str]]]]
"""Each filling of a rule, and the labels that its result gets."""


def model_rules(models: Sequence[ModelPlan], *, namespace: str, environment: str, runbooks: str) -> tuple[Group, ...]:
    """The rules about the models of a stack, whose objects are in a namespace.

    `runbooks`: address of the folder of runbook pages.
    """
    if not models:
        return ()
    fillings = _ModelFillings(models, namespace)
    return groups_of(MODEL_TOPICS, fillings.of, environment=environment, runbooks=runbooks)


class _ModelFillings:
    """What the placeholders of rules about models stand for."""

    def __init__(self, models: Sequence[ModelPlan], namespace: str) -> None:
        self._models, self._namespace = models, namespace
        names = "|".join(model.name for model in models)
        labelled = f'kube_pod_labels{{namespace="{namespace}",label_{SERIES_MODEL_LABEL}=~"{names}"%s}}'

        def pods(further: str) -> str:
            return _named(labelled % further, f"label_{SERIES_MODEL_LABEL}")

        self._once = {
            "namespace": namespace,
            "failing": FAILING,
            "pods": pods(""),
            # The head of a Ray cluster serves no request.
            "server_pods": pods(',label_app_kubernetes_io_name="model-server",label_ray_io_node_type!="head"'),
            "weights_pods": pods(',label_app_kubernetes_io_name="model-weights"'),
        }

    def of(self, rule: Recording | Alert) -> Iterator[tuple[Filled, Mapping[str, str]]]:
        """Each filling of a rule, and the labels that it gives the result."""
        if rule.each == "once":
            yield self._once, {}
        elif rule.each == "series" and rule.of:
            yield from ((filled, {}) for filled in self._series(rule.of))
        elif rule.each == "model":
            yield from (self._model(model) for model in self._models)
        elif rule.each == "objective":
            yield from (filled for model in self._models for filled in self._objectives(model))

    def _series(self, field_name: str) -> Iterator[Filled]:
        """Each series that engines have for a common name. Models whose engines call it alike share a rule."""
        sharing: dict[str, list[str]] = {}
        for model in self._models:
            if series := getattr(model.spec.engine_metrics, field_name):
                sharing.setdefault(series, []).append(model.name)
        for series, names in sharing.items():
            own, among = {"namespace": self._namespace}, {SERIES_MODEL_LABEL: names}
            found, buckets = (select(series, own, among=among, suffix=suffix) for suffix in ("", "_bucket"))
            yield {
                "series": _named(found, SERIES_MODEL_LABEL),
                "rate5m": _named(f"rate({found}[5m])", SERIES_MODEL_LABEL),
                "bucket_rate5m": _named(f"rate({buckets}[5m])", SERIES_MODEL_LABEL),
            }

    def _model(self, model: ModelPlan) -> tuple[Filled, Mapping[str, str]]:
        filled = {
            **self._once,
            "model": model.name,
            "replicas": str(model.least_replicas),
            "nodes": str(model.nodes),
            "patience": str(model.patience_seconds),
        }
        return filled, self._labels(model)

    def _objectives(self, model: ModelPlan) -> Iterator[tuple[Filled, Mapping[str, str]]]:
        wanted, metrics = model.spec.objectives, model.spec.engine_metrics
        one = f'{{namespace="{self._namespace}",model="{model.name}"}}'
        if metrics.requests_failed and metrics.requests_finished:
            failed, whole = f"model:requests_failed:rate5m{one}", f"model:requests:rate5m{one}"
            ratios = {window: f"{_over(failed, window)} / {_over(whole, window)}" for window in WINDOWS}
            yield self._objective(model, "availability", wanted.availability, ratios)
        for name, latency in wanted.latencies.items():
            if getattr(metrics, name):
                buckets = f"model:{name}:bucket_rate5m{one}"
                ratios = {
                    window: f"1 - histogram_fraction(0, {latency.seconds:g}, {_over(buckets, window)})"
                    for window in WINDOWS
                }
                yield self._objective(model, name, latency.percent, ratios)

    def _objective(
        self, model: ModelPlan, name: str, percent: float, ratios: Mapping[str, str]
    ) -> tuple[Filled, Mapping[str, str]]:
        budget = f"{1 - percent / 100:.6f}".rstrip("0")
        filled = {"budget": budget, **{f"bad_ratio{window}": expr for window, expr in ratios.items()}}
        return filled, {**self._labels(model), "objective": name}

    def _labels(self, model: ModelPlan) -> Mapping[str, str]:
        return {"namespace": self._namespace, "model": model.name}


def _over(record: str, window: str) -> str:
    """A record of 5 minutes over a window. Sums of equally many rates relate as their counts do."""
    return record if window == "5m" else f"sum_over_time({record}[{window}])"


def _named(expr: str, label: str) -> str:
    """The series of an expression with a label of theirs as `model`."""
    return f'label_replace({expr}, "model", "$1", "{label}", "(.+)")'


def groups_of(names: Iterable[str], fillings: Fillings, *, environment: str, runbooks: str) -> tuple[Group, ...]:
    """The groups of some topics, without rules that read what is not recorded."""
    kept: dict[str, list[Rule]] = {}
    recorded: set[str] = set()
    for name in names:
        topic, page = topics()[name], f"{runbooks.rstrip('/')}/{name}.md"
        for each in (*topic.recordings, *topic.alerts):
            if not each.named <= recorded:
                continue
            for filled, labels in fillings(each):
                kept.setdefault(name, []).append(_rule(each, filled, {**labels, "environment": environment}, page))
                recorded |= {each.record} if isinstance(each, Recording) else set()
    return tuple(Group(name=name, rules=tuple(rules)) for name, rules in kept.items())


def _of(environment: str, expr: str) -> str:
    """An expression that reads the records of one stack alone: several may share a Prometheus."""
    own = f'environment="{environment}"'

    def matched(found: re.Match[str]) -> str:
        return f"{found[1]}{{{own}," if found[2] else f"{found[1]}{{{own}}}"

    return re.sub(rf"\b({RECORD})(\{{)?", matched, expr)


def _rule(each: Recording | Alert, filled: Filled, labels: Mapping[str, str], page: str) -> Rule:
    environment = labels["environment"]
    expr = _of(environment, Template(each.expr).substitute(filled, environment=environment).strip())
    if isinstance(each, Recording):
        return Rule(record=each.record, expr=expr, labels=labels)
    return Rule(
        alert=each.alert,
        expr=expr,
        lasts=Template(each.lasts).substitute(filled),
        # Its series have all other labels.
        labels={"severity": each.severity, "environment": labels["environment"]},
        annotations={"summary": each.summary, "runbook_url": f"{page}#{each.alert.lower()}"},
    )
