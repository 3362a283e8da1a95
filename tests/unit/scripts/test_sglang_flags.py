"""The script that reads SGLang's flags from its wheel."""

import runpy
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SCRIPT: dict[str, Any] = runpy.run_path(str(Path(__file__).parents[3] / "scripts/sglang_flags.py"))
read: Callable[[Path], tuple[str, list[str]]] = SCRIPT["read"]

FIELDS = """
class Serving(msgspec.Struct):
    _NS_PATH = "serving"
    host: A[str, "Where it " "listens."] = "127.0.0.1"
    port: A[int, "Its port."] = 30000
    enable_metrics: A[bool, "Metrics."] = False
    mem_fraction_static: A[Optional[float], "Share."] = None
    context_length: A[Optional[int], Arg(help="x", type_parser=human_readable_int)] = None
    tp_size: A[int, Arg(help="x", cli_name="--tensor-parallel-size", aliases=["--tp-size"])] = 1
    lora_paths: A[Optional[List[str]], Arg(help="x", nargs="*")] = None
    worker_threads: A[Optional[int], Arg(no_cli=True)] = None
    of_no_flag: int = 1
MORE
"""
CALLS = """
def add_cli_args(parser):
    parser.add_argument("--config", type=str)
    parser.add_argument("--old-switch", action=DeprecatedStoreTrueAction)
"""
METRICS = """
def make():
    Gauge(name="sglang:num_running_reqs")
    Counter(name="sglang:prompt_tokens_total")
    Counter(name="sglang:retries")
    Histogram(name="sglang:latency_seconds")
    log(name="sglang:nothing")
"""


def wheel(folder: Path, *, generated: int = 250) -> Path:
    path = folder / "sglang-9.8.7-cp311-cp311-manylinux.whl"
    more = "\n".join(f'    generated_{number}: A[str, "x"] = ""' for number in range(generated))
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("sglang/srt/arg_groups/fields/serving.py", FIELDS.replace("MORE", more))
        archive.writestr("sglang/srt/server_args.py", CALLS)
        archive.writestr("sglang/srt/observability/metrics_collector.py", METRICS)
        archive.writestr(
            "sglang/srt/observability/http_request_metrics.py", 'Counter(name="sglang:http_requests_total")'
        )
        archive.writestr("sglang/srt/function_call/parser_names.py", 'TOOL_CALL_PARSER_NAMES = ["qwen25", "hermes"]')
        archive.writestr("sglang/srt/parser/reasoning_parser_names.py", 'REASONING_PARSER_NAMES = ["qwen3"]')
        archive.writestr("sglang/srt/arg_groups/choices.py", 'QUANTIZATION_CHOICES = ["fp8", "awq"]')
    return path


def test_flags_are_fields_with_a_help_and_plain_calls(tmp_path: Path) -> None:
    version, lines = read(wheel(tmp_path))
    assert version == "9.8.7"
    assert {line for line in lines if line.startswith("--") and "generated" not in line} == {
        "--host",
        "--port whole",
        "--enable-metrics switch",
        "--mem-fraction-static number",
        "--context-length readable",
        "--tensor-parallel-size whole",
        "--tp-size whole",
        "--lora-paths",
        "--config",
        "--old-switch switch",
    }


def test_parsers_and_metrics_are_in_the_list(tmp_path: Path) -> None:
    _, lines = read(wheel(tmp_path))
    assert [line for line in lines if "parser " in line] == [
        "tool-parser hermes",
        "tool-parser qwen25",
        "reasoning-parser qwen3",
    ]
    assert {line for line in lines if line.startswith("metric")} == {
        "metric sglang:num_running_reqs",
        "metric sglang:prompt_tokens_total",
        "metric sglang:retries_total",
        "metric sglang:latency_seconds",
        "metric sglang:http_requests_total",
    }


def test_a_parser_that_is_built_in_another_way_is_noticed(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="adapt this script"):
        read(wheel(tmp_path, generated=1))
