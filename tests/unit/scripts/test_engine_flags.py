"""The script that reads an engine's flags from its wheel."""

import runpy
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SCRIPT: dict[str, Any] = runpy.run_path(str(Path(__file__).parents[3] / "scripts/engine_flags.py"))
read: Callable[[Path], tuple[str, list[str]]] = SCRIPT["read"]

ENGINE = """
def _compute_kwargs(cls):
    human_readable_int_args = {{"max_num_batched_tokens"}}

class EngineArgs:
    @staticmethod
    def add_cli_args(parser):
        model_kwargs = get_kwargs(ModelConfig)
        parser.add_argument("--enforce-eager", **model_kwargs["enforce_eager"])
        parser.add_argument("--dtype", **model_kwargs["dtype"])
        parser.add_argument("--max-num-batched-tokens", **{{**model_kwargs["max_num_batched_tokens"], "default": None}})
        parser.add_argument("--max-parallel-workers", type=int)
        parser.add_argument("--swap-space", **model_kwargs["swap_space"])
        parser.add_argument("--rate", **model_kwargs["rate"])
        parser.add_argument("--runner", **model_kwargs["runner"])
        parser.add_argument("--quantization", **model_kwargs["quantization"])
        parser.add_argument("--device", type=str, choices=["cuda", "cpu"])
        parser.add_argument("--max-model-len", "-m", **kwargs["max_model_len"])
{more}

def unrelated(parser):
    parser.add_argument("--of-another-command")
"""
SETTINGS = """
ServedRunner = Literal["generate", "pooling"]
Runner = Literal["auto", ServedRunner]

class ModelConfig:
    enforce_eager: bool = False
    dtype: Literal["auto", "half"] | str = "auto"
    max_num_batched_tokens: int = Field(default=1, ge=1)
    swap_space: float | None = None
    rate: float | None = Field(default=None, gt=0, le=1.0)
    runner: Runner | None = "auto"
    quantization: Runner | str = "auto"
"""
FRONTEND = """
class BaseFrontendArgs:
    tool_call_parser: str | None = None

class FrontendArgs(BaseFrontendArgs):
    disable_access_log_for_endpoints: str | None = None

class NotOfTheFrontend:
    of_another_class: bool = False

def make_arg_parser(parser):
    parser.add_argument("model_tag")
    parser.add_argument("--headless", action="store_true")
"""


METRICS = """
class PrometheusStatLogger:
    def __init__(self):
        self._gauge_cls(name="vllm:num_requests_running", documentation="…")
        self._counter_cls(name="vllm:prompt_tokens")
        self._counter_cls(name="vllm:generation_tokens_total")
        self._histogram_cls(name="vllm:iteration_tokens_total")
        self.log(name="vllm:nothing")
"""


METHODS = """
QuantizationMethods = Literal["fp8", "awq"]
QUANTIZATION_METHODS: list[str] = list(get_args(QuantizationMethods))
"""
INSTRUMENTED = """
from prometheus_fastapi_instrumentator import Instrumentator
"""


def wheel(
    folder: Path, *, flags: int = 200, registry: str = '{"hermes": ("file", "Class")}', methods: str = METHODS
) -> Path:
    path = folder / "vllm-9.8.7-cp38-abi3-manylinux.whl"
    more = "\n".join(f'        parser.add_argument("--generated-{number}")' for number in range(flags))
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("vllm/entrypoints/serve/instrumentator/metrics.py", INSTRUMENTED)
        archive.writestr("vllm/engine/arg_utils.py", ENGINE.format(more=more))
        archive.writestr("vllm/config/model.py", SETTINGS)
        archive.writestr("vllm/entrypoints/common/cli_args.py", FRONTEND)
        archive.writestr("vllm/tool_parsers/__init__.py", f"_TOOL_PARSERS_TO_REGISTER = {registry}")
        archive.writestr("vllm/model_executor/layers/quantization/__init__.py", methods)
        archive.writestr("vllm/v1/metrics/loggers.py", METRICS)
        archive.writestr("vllm/reasoning/__init__.py", '_REASONING_PARSERS_TO_REGISTER = {"qwen3": ("a", "B")}')
    return path


def test_flags_come_from_calls_and_from_fields(tmp_path: Path) -> None:
    version, lines = read(wheel(tmp_path))
    assert version == "9.8.7"
    flags = {line.partition(" ")[0] for line in lines}
    assert {"--max-model-len", "--headless", "--tool-call-parser", "--disable-access-log-for-endpoints"} <= flags
    assert {"tool-parser hermes", "reasoning-parser qwen3"} <= set(lines)


def test_metrics_are_called_as_prometheus_reads_them(tmp_path: Path) -> None:
    _, lines = read(wheel(tmp_path))
    assert {line for line in lines if line.startswith("metric")} == {
        "metric http_requests_total",
        "metric vllm:num_requests_running",
        "metric vllm:prompt_tokens_total",
        "metric vllm:generation_tokens_total",
        "metric vllm:iteration_tokens_total",
    }


def test_what_a_value_is_comes_from_the_call_or_from_the_field_that_it_names(tmp_path: Path) -> None:
    _, lines = read(wheel(tmp_path))
    assert {"--headless on", "--enforce-eager switch", "--max-parallel-workers whole"} <= set(lines)
    assert {"--max-num-batched-tokens readable >=1", "--swap-space number"} <= set(lines)
    assert {"--dtype", "--max-model-len"} <= set(lines), "nothing is said of what is not plain"


def test_bounds_are_those_of_the_field(tmp_path: Path) -> None:
    assert "--rate number >0 <=1.0" in read(wheel(tmp_path))[1]


@pytest.mark.parametrize("methods", [METHODS, 'QUANTIZATION_METHODS: List[str] = ["fp8", "awq"]'])
def test_quantization_is_that_of_the_list_that_the_engine_holds_it_to(tmp_path: Path, methods: str) -> None:
    _, lines = read(wheel(tmp_path, methods=methods))
    assert [line for line in lines if line.startswith("quantization")] == ["quantization awq", "quantization fp8"]


def test_choices_are_those_that_the_parser_holds_to(tmp_path: Path) -> None:
    _, lines = read(wheel(tmp_path))
    assert {"--runner one-of auto generate pooling", "--device one-of cuda cpu"} <= set(lines)
    assert "--quantization" in lines, "a type that is also any text has no choices"


def test_what_is_not_of_the_parser_is_left_out(tmp_path: Path) -> None:
    _, lines = read(wheel(tmp_path))
    assert not {"--of-another-command", "--of-another-class", "model_tag", "-m"} & set(lines)


def test_a_parser_that_is_built_in_another_way_is_noticed(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="adapt this script"):
        read(wheel(tmp_path, flags=3))


def test_a_registry_that_is_built_in_another_way_is_noticed(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="adapt this script"):
        read(wheel(tmp_path, registry="dict(hermes=1)"))
