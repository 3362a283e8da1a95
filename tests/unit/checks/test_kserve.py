"""What a model whose pods KServe makes may not say, because KServe would act on it."""

from typing import Any

import pytest
from support.stack_settings import on_a_platform, problems

pytestmark = pytest.mark.usefixtures("on_a_day")


def served(raw: dict[str, Any], **settings: Any) -> dict[str, Any]:
    raw["addons"]["kserve"] = {"enabled": True}
    raw["models"]["qwen3-8b"] |= {"workload": "kserve", **settings}
    return raw


def test_a_model_of_a_stack_with_kserve_is_right(raw: dict[str, Any]) -> None:
    assert problems(served(raw)) == []


def test_a_platform_of_another_stack_says_that_it_has_kserve(raw: dict[str, Any]) -> None:
    existing = on_a_platform(served(raw))
    (line,) = problems(existing)
    assert line == (
        "models.qwen3-8b.workload: it needs KServe, and the platform says of none; set platform.kserve to true where "
        "the platform's stack installs it, or write 'deployment'"
    )
    existing["platform"]["kserve"] = True
    assert problems(existing) == []


def test_no_model_has_the_name_of_what_kserve_makes_for_another(raw: dict[str, Any]) -> None:
    raw["pools"]["gpu"] |= {"max": 4}
    raw["models"]["qwen3-8b-predictor"] = dict(raw["models"]["qwen3-8b"])
    assert problems(raw) == []
    (line,) = problems(served(raw))
    assert line.startswith("models.qwen3-8b-predictor: KServe gives that name to the servers of 'qwen3-8b'")


@pytest.mark.parametrize("variable", ["STORAGE_URI", "PROTOCOL", "MULTI_MODEL_SERVER", "INFERENCE_SERVICE_NAME"])
def test_variables_that_kserve_acts_on_are_a_server_s_own_elsewhere(raw: dict[str, Any], variable: str) -> None:
    raw["models"]["qwen3-8b"]["engine"]["env"] = {variable: "v1"}
    assert problems(raw) == []
    (line,) = problems(served(raw))
    assert line.startswith(f"models.qwen3-8b.engine.env.{variable}: KServe reads it, too")


@pytest.mark.parametrize(
    "key", ["serving.kserve.io/autoscalerClass", "internal.serving.kserve.io/storage-initializer-sourceuri"]
)
def test_no_annotation_brings_a_second_scaler_or_a_download(raw: dict[str, Any], key: str) -> None:
    (line,) = problems(served(raw, pod_annotations={key: "x"}))
    assert line.startswith(f"models.qwen3-8b.pod_annotations.{key}: KServe would act on it")
