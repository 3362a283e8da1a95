"""Every stack file's servers get the time that the phases of their start are expected to take."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import starts_reference
from support.program import ROOT

from llmplatform.checks import parse
from llmplatform.checks.files import read
from llmplatform.planning.models import ModelPlan, plan_models
from llmplatform.planning.pools import plan_pools
from llmplatform.serving import ModelServer, ModelServerArgs
from llmplatform.serving.ray_server import RayServer
from llmplatform.specs.engines import RayServe
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
    wiring = {"namespace": "models", "huggingface_token": "hf_test", "prometheus_url": "http://prometheus"}
    args = ModelServerArgs(plan=plan, **wiring)
    kind = RayServer if isinstance(plan.spec.engine, RayServe) else ModelServer
    engine = RecordingEngine().run(lambda: kind(plan.name, args))
    (found,) = (each for each in engine.registered if list(allowed(each.inputs)))
    return found


def allowed(part: object) -> Iterator[int]:
    """Seconds after which a start is given up, anywhere in an object: by probes, and by the variable of vLLM itself."""
    match part:
        case {"name": "VLLM_ENGINE_READY_TIMEOUT_S", "value": str(seconds)}:
            yield int(seconds)
        case {"startupProbe": {"periodSeconds": period, "failureThreshold": failures}, **others}:
            yield int(period * failures)
            yield from allowed(others)
        case dict():
            for value in part.values():
                yield from allowed(value)
        case list():
            for each in part:
                yield from allowed(each)
        case _:
            return


def test_every_stack_file_is_looked_at() -> None:
    assert len(FILES) > len(starts_reference.STACKS) + 8
    assert {path.parent.name for path in FILES} >= {"engines", "fastapi-server", "models-only"}


@pytest.mark.parametrize("plan", SERVERS)
def test_a_server_is_allowed_the_phases_of_its_start(plan: ModelPlan) -> None:
    own = [phase.seconds for phase in plan.start.phases if phase.name in ("boot", "load", "compile")]
    assert len(own) == 3
    assert all(seconds >= sum(own) for seconds in allowed(workload(plan).inputs))


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
