"""A server of every engine: the models of examples/engines become ready on nodes that their pods fit."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.program import ROOT
from support.sandboxes.sandboxed import Config, Platform, platform_of

from llmplatform.serving.engines import ENGINES
from llmplatform.specs.engines import DEFAULT

pytestmark = pytest.mark.sandbox

SYSTEM = {"dev": ["m7i.2xlarge"], "dev-ack": ["ecs.g7.2xlarge"]}
"""A machine with room for a server without GPUs beside the system's own pods."""
BY_KUBERAY, BY_KSERVE = "ray-serve", "kserve"
"""Examples whose models are RayServices, whose CRDs alone are in the sandbox, and InferenceServices."""


@pytest.fixture(params=sorted(SYSTEM))
def platform(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Platform]:
    yield from platform_of(request.param, tmp_path, charts=True)


def models(stack: str) -> dict[str, Any]:
    """The models of the examples for the cloud of a stack, one replica each."""
    found: dict[str, Any] = {}
    for kind in (BY_KSERVE, *(each.replace("_", "-") for each in ENGINES if each != DEFAULT.kind)):
        file = ROOT / f"examples/engines/Pulumi.{kind}{stack.removeprefix('dev')}.yaml"
        for name, model in yaml.safe_load(file.read_text())["config"]["llmplatform:models"].items():
            found[f"{kind}-{name}"] = {**model, "replicas": 1}
    return found


def deployment(name: str) -> str:
    """The Deployment of a model. KServe calls a predictor's by its own rule (constants.PredictorServiceName)."""
    return f"{name}-predictor" if name.startswith(BY_KSERVE) else name


def test_a_server_of_every_engine_becomes_ready_and_one_behind_ray_is_not_awaited(platform: Platform) -> None:
    wanted = models(platform.stack)

    def edit(config: Config) -> None:
        config["models"].clear()
        config["models"].update(wanted)
        config["pools"]["system"]["instance_types"] = SYSTEM[platform.stack]
        config["pools"]["gpu"]["max"] = len(wanted)
        config["addons"]["monitoring"] = {"enabled": False}
        config["addons"] |= {each: {"enabled": True} for each in ("kserve", "kuberay")}

    platform.edit(edit)
    platform.up()
    assert platform.errors == []
    with_pods = [name for name in wanted if not name.startswith(BY_KUBERAY)]
    assert [name for name in with_pods if not platform.available(deployment(name))] == []
    (without,) = [each for each in platform.sandbox.snapshot().unmade if each.startswith("models/")]
    assert without.startswith(f"models/{BY_KUBERAY}-assistant (RayService): KubeRay does not run")
    assert set(platform.up().changes) == {"same"}
