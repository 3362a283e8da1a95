"""Every stack file's servers get the time that the phases of their start are expected to take."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import starts_reference
from support.program import ROOT

from llmplatform.checks import parse
from llmplatform.checks.files import read
from llmplatform.planning.models import ModelPlan, plan_models
from llmplatform.planning.pools import plan_pools
from llmplatform.serving import ModelServer, ModelServerArgs
from llmplatform.testing import RecordingEngine, Registered

OTHER_PROGRAMS = ("component-reuse",)
"""Examples whose stack files are not of this program."""
FILES = [
    path
    for path in sorted((*ROOT.glob("Pulumi.*.yaml"), *ROOT.glob("examples/*/Pulumi.*.yaml")))
    if path.parent.name not in OTHER_PROGRAMS
]


@cache
def plans(path: Path) -> tuple[ModelPlan, ...]:
    stack = parse(read(path), path.name.split(".")[1])
    return plan_models(stack, plan_pools(stack))


SERVERS = [pytest.param(plan, id=f"{path.relative_to(ROOT)} {plan.name}") for path in FILES for plan in plans(path)]


def workload(plan: ModelPlan) -> Registered:
    """What makes the server's pods: a Deployment, or the object of another controller."""
    args = ModelServerArgs(plan=plan, namespace="models", huggingface_token="hf_test")
    engine = RecordingEngine().run(lambda: ModelServer(plan.name, args))
    (found,) = (each for each in engine.registered if list(probes(each.inputs)))
    return found


def probes(part: object) -> Iterator[dict[str, Any]]:
    """Every startup probe in an object."""
    match part:
        case dict():
            for key, value in part.items():
                yield from [value] if key == "startupProbe" and value else probes(value)
        case list():
            for each in part:
                yield from probes(each)
        case _:
            return


def test_every_stack_file_is_looked_at() -> None:
    assert len(FILES) > len(starts_reference.STACKS) + 8
    assert {path.parent.name for path in FILES} >= {"engines", "fastapi-server", "models-only"}


@pytest.mark.parametrize("plan", SERVERS)
def test_a_server_is_allowed_the_phases_of_its_start(plan: ModelPlan) -> None:
    (probe,) = probes(workload(plan).inputs)
    own = [phase.seconds for phase in plan.start.phases if phase.name in ("boot", "load", "compile")]
    assert len(own) == 3
    assert probe["periodSeconds"] * probe["failureThreshold"] >= sum(own)


@pytest.mark.parametrize("plan", SERVERS)
def test_an_update_waits_for_all_phases_of_a_start(plan: ModelPlan) -> None:
    found = workload(plan)
    wanted = sum(phase.seconds for phase in plan.start.phases) + 900
    assert all(int(wait.removesuffix("s")) >= wanted for wait in found.waits), "a group may be sold out before"
    assert found.waits
    assert found.inputs["spec"].get("progressDeadlineSeconds", wanted) >= wanted


def test_the_page_has_a_row_for_every_model_of_the_committed_stacks() -> None:
    page = (ROOT / "docs/reference/starts.md").read_text()
    assert page == starts_reference.text().rstrip() + "\n", "stale; run make docs"
    rows = [line.split(" | ") for line in page.splitlines() if line.startswith("| `")]
    assert {row[0].strip("| `") for row in rows} == {path.name.split(".")[1] for path in ROOT.glob("Pulumi.*.yaml")}
    assert all(len(row) == len(starts_reference.HEADS) + 1 for row in rows)
