"""The script that reads TensorRT-LLM's flags and options from its sources."""

import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SCRIPT: dict[str, Any] = runpy.run_path(str(Path(__file__).parents[3] / "scripts/trtllm_flags.py"))
read: Callable[[Path, frozenset[str]], list[str]] = SCRIPT["read"]

SERVE = """
@click.command("serve")
@click.argument("model", type=str)
@click.option("--host", type=str, default="localhost")
@click.option("--tensor_parallel_size", "--tp_size", type=int, default=1)
@click.option("--fraction", "--kv_fraction", "fraction", type=float)
@click.option("--trust_remote_code", is_flag=True, default=False)
@click.option("--grpc", is_flag=True)
MORE
def serve(model): ...

@click.option("--of_another_command", type=int)
def other(): ...
"""
ARGUMENTS = """
class BaseLlmArgs(StrictBaseModel):
    model: Union[str, Path] = Field(description="x")
    kv_cache_config: KvCacheConfig = Field(default_factory=KvCacheConfig)
    mpi_session: Optional[object] = None
    _private: int = 1
MORE
class TorchLlmArgs(BaseLlmArgs):
    stream_interval: int = 1
class TrtLlmArgs(BaseLlmArgs):
    fast_build: bool = False
"""
FACTORY = "class Factory:\n    parsers: dict[str, type] = {'qwen3': A, 'deepseek-r1': B}\n"
METRICS = """
class MetricsCollector:
    def __init__(self):
        self.metric_prefix = "trtllm_"
        self.a = Counter(name=self.metric_prefix + "request_success_total", documentation="x")
        self.b = Counter(name=self.metric_prefix + "blocks", documentation="x")
        self.c = Histogram(name=self.metric_prefix + "seconds", documentation="x")
        self.d = Gauge(name=self.metric_prefix +
                       "usage", documentation="x")
"""


def sources(folder: Path, *, generated: int = 70) -> Path:
    more_flags = "\n".join(f'@click.option("--generated_{each}", type=str)' for each in range(generated))
    more_options = "\n".join(f"    generated_{each}: int = 1" for each in range(generated))
    for path, text in {
        "commands/serve.py": SERVE.replace("MORE", more_flags),
        "llmapi/llm_args.py": ARGUMENTS.replace("MORE", more_options),
        "metrics/collector.py": METRICS,
        "serve/tool_parser/tool_parser_factory.py": FACTORY,
        "llmapi/reasoning_parser.py": FACTORY,
    }.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return folder


def test_the_list_has_flags_parsers_options_and_metrics(tmp_path: Path) -> None:
    lines = read(sources(tmp_path), frozenset({"--grpc"}))
    assert [line for line in lines if "generated" not in line] == [
        "--fraction number",
        "--host",
        "--kv_fraction number",
        "--tensor_parallel_size whole",
        "--tp_size whole",
        "--trust_remote_code on",
        "tool-parser deepseek-r1",
        "tool-parser qwen3",
        "reasoning-parser deepseek-r1",
        "reasoning-parser qwen3",
        "option kv_cache_config",
        "option model",
        "option stream_interval",
        "metric trtllm_blocks_total",
        "metric trtllm_request_success_total",
        "metric trtllm_seconds",
        "metric trtllm_usage",
    ]


def test_sources_that_are_built_in_another_way_are_noticed(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="adapt this script"):
        read(sources(tmp_path, generated=1), frozenset())
