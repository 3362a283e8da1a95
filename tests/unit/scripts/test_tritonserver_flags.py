"""The script that reads Triton's flags from its sources."""

import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SCRIPT: dict[str, Any] = runpy.run_path(str(Path(__file__).parents[3] / "scripts/tritonserver_flags.py"))
read: Callable[[Path, str], list[str]] = SCRIPT["read"]

PARSER = """
  global_options_.push_back({OPTION_HELP, "help", Option::ArgNone, "Print usage"});
  options_.push_back(
      {OPTION_HTTP_PORT, "http-port", Option::ArgInt,
       "The port."});
  options_.push_back({OPTION_METRICS_INTERVAL_MS, "metrics-interval-ms", Option::ArgFloat, "x"});
  options_.push_back({OPTION_ALLOW_HTTP, "allow-http", Option::ArgBool, "x"});
  options_.push_back({OPTION_RATE_LIMIT_RESOURCE, "rate-limit-resource",
       "<string>:<integer>:<integer>", "x"});
"""
PAGE = """
|Count |Success Count |`nv_inference_request_success` |Number of successful requests |Per model |
nv_inference_request_success{model="my_model"} 1 and `nv_of_a_sentence`
"""


def sources(folder: Path, *, generated: int = 70) -> Path:
    more = "\n".join(f'{{OPTION_X, "generated-{each}", Option::ArgStr, "x"}}' for each in range(generated))
    for path, text in {"src/command_line_parser.cc": PARSER + more, "docs/user_guide/metrics.md": PAGE}.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return folder


def test_the_list_has_flags_metrics_and_the_options_of_the_model(tmp_path: Path) -> None:
    lines = read(sources(tmp_path), "# header\n--host\noption stream_interval\nmetric other\n")
    assert [line for line in lines if "generated" not in line] == [
        "--allow-http",
        "--help on",
        "--http-port whole",
        "--metrics-interval-ms number",
        "--rate-limit-resource",
        "option stream_interval",
        "metric nv_inference_request_success",
    ]


def test_a_parser_that_is_built_in_another_way_is_noticed(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="adapt this script"):
        read(sources(tmp_path, generated=1), "option x\n")
