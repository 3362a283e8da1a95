"""Rules in the real promtool: cases of series, and the alerts that fire at some moments."""

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from llmplatform.catalog.engine_metrics import select
from llmplatform.catalog.rules import Condition
from llmplatform.checks import parse
from llmplatform.planning.backups import plan_backups
from llmplatform.planning.capabilities import plan_capabilities
from llmplatform.planning.models import ModelPlan, plan_models
from llmplatform.planning.platform_rules import platform_rules
from llmplatform.planning.pools import PoolPlan, plan_pools
from llmplatform.planning.rules import Group, Rule, model_rules
from llmplatform_sandbox.toolchain import PROMETHEUS, ensure
from support.plans import SPOT_FIRST, stack
from support.program import stack_config

NAMESPACE, ENVIRONMENT, PAGES = "models", "test", "docs/runbooks"
Series = Mapping[str, str]
"""A series to its values a minute apart, in promtool's notation: `1x9` is ten times 1, `0+60x9` grows by 60."""
Fired = Mapping[str, Mapping[str, str] | Sequence[Mapping[str, str]]]
"""Alert to the labels of its series beside its own, and its summary as `says`: one or several."""


@dataclass(frozen=True)
class Case:
    """What happens, and what fires when. Every alert that is not named is silent."""

    name: str
    series: Series
    moments: Mapping[str, Fired]
    values: Mapping[str, Mapping[str, Mapping[str, float]]] = field(default_factory=dict)
    """Moment to an expression to its series with their values."""


@cache
def promtool() -> Path:
    """The real program."""
    return ensure([PROMETHEUS])["promtool"]


def run(*arguments: str | Path) -> str:
    """What promtool says, which has to succeed."""
    done = subprocess.run([promtool(), *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


def written(groups: Sequence[Group], folder: Path) -> Path:
    """The file of some groups."""
    path = folder / "rules.yml"
    path.write_text(yaml.safe_dump({"groups": [group.plain() for group in groups]}, sort_keys=False))
    return path


def alerts(groups: Sequence[Group]) -> dict[str, Rule]:
    """The alerts by name; of those that are written for each model, one."""
    return {rule.alert: rule for group in groups for rule in group.rules if rule.alert}


def hold(groups: Sequence[Group], cases: Sequence[Case], folder: Path, *, every: str = "1m") -> None:
    """Hold that in all cases these alerts fire, and no others. `every`: time between two evaluations."""
    known = alerts(groups)
    document = {
        "rule_files": [written(groups, folder).name],
        "evaluation_interval": every,
        "fuzzy_compare": True,
        "group_eval_order": [group.name for group in groups],
        "tests": [_test(case, known) for case in cases],
    }
    file = folder / "tests.yml"
    file.write_text(yaml.safe_dump(document, sort_keys=False))
    run("test", "rules", file)


def _test(case: Case, known: Mapping[str, Rule]) -> dict[str, Any]:
    strange = {name for fired in case.moments.values() for name in fired} - set(known)
    assert not strange, f"{case.name}: no such alerts"
    return {
        "name": case.name,
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in case.series.items()],
        "alert_rule_test": [
            {"eval_time": moment, "alertname": name, "exp_alerts": _expected(rule, fired.get(name, []))}
            for moment, fired in case.moments.items()
            for name, rule in known.items()
        ],
        "promql_expr_test": [
            {
                "expr": expr,
                "eval_time": moment,
                "exp_samples": [{"labels": labels, "value": value} for labels, value in found.items()],
            }
            for moment, asked in case.values.items()
            for expr, found in asked.items()
        ],
    }


def _expected(rule: Rule, fired: Mapping[str, str] | Sequence[Mapping[str, str]]) -> list[dict[str, Any]]:
    return [
        {
            "exp_labels": {**{key: value for key, value in each.items() if key != "says"}, **rule.labels},
            "exp_annotations": {**rule.annotations, "summary": each["says"]},
        }
        for each in ([fired] if isinstance(fired, Mapping) else fired)
    ]


def pod(name: str, model: str, *, ready: str = "1x240", kind: str = "model-server", there: str = "1x240") -> Series:
    """What kube-state-metrics says of a model's pod. `there`: when it exists."""
    where = f'namespace="{NAMESPACE}",pod="{name}"'
    labels = f'label_llmplatform_dev_model="{model}",label_app_kubernetes_io_name="{kind}"'
    return {
        f"kube_pod_labels{{{where},{labels}}}": there,
        f'kube_pod_status_ready{{{where},condition="true"}}': ready,
    }


def kube(name: str, pod_name: str, values: str, **labels: str) -> Series:
    """A series of kube-state-metrics about a container or the phase of a pod."""
    named = {"namespace": NAMESPACE, "pod": pod_name, **labels}
    return {select(name, named): values}


def served(model: str, number: int, name: str, values: str) -> Series:
    """A series that one server of a model exposes. `name` may have matchers: they are its labels."""
    base, _, own = name.removesuffix("}").partition("{")
    labels = f'namespace="{NAMESPACE}",llmplatform_dev_model="{model}",pod="{model}-{number}"'
    return {f"{base}{{{labels}{',' + own if own else ''}}}": values}


def models(wanted: dict[str, dict[str, Any]]) -> tuple[Group, ...]:
    """The rules about models of a stack with a pool of spot GPUs."""
    made = stack({"gpu": SPOT_FIRST}, wanted)
    plans = plan_models(made, plan_pools(made))
    return model_rules(plans, namespace=NAMESPACE, environment=ENVIRONMENT, runbooks=PAGES)


@cache
def planned(name: str) -> tuple[tuple[PoolPlan, ...], tuple[ModelPlan, ...], tuple[Group, ...]]:
    """Pools, models and rules of a committed stack."""
    sections = {key.removeprefix("llmplatform:"): value for key, value in stack_config(name).items()}
    stack = parse(sections, name)
    pools = plan_pools(stack)
    models = plan_models(stack, pools)
    having: list[Condition] = ["certificates"] if stack.cloud.provider == "alicloud" else ["autoscaler", "certificates"]
    backups = plan_backups(plan_capabilities(stack, pools))
    rules = [
        *model_rules(models, namespace=NAMESPACE, environment=name, runbooks=PAGES),
        *platform_rules(pools, having, environment=name, runbooks=PAGES, backups=backups),
    ]
    return pools, models, tuple(rules)
