"""The script that reads the flags of a Rust server from its sources."""

import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SCRIPT: dict[str, Any] = runpy.run_path(str(Path(__file__).parents[3] / "scripts/clap_flags.py"))
read: Callable[[Path, str, list[str]], list[str]] = SCRIPT["read"]

ARGUMENTS = """
struct Args {
    /// The model.
    #[clap(long, env)]
    #[redact(partial)]
    model_id: String,

    #[clap(default_value = "16384", long, env)]
    max_batch_tokens: usize,

    #[clap(default_value = "3000", long, short, env)]
    port: u16,

    #[clap(long, env)]
    json_output: bool,

    #[clap(long, env, default_value = "true", num_args = 0..=1, default_missing_value = "true")]
    auto_truncate: bool,

    #[clap(long, env)]
    memory_fraction: Option<f32>,

    #[clap(long, env)]
    sharded: Option<bool>,

    #[clap(skip)]
    of_no_flag: bool,
MORE}

struct Other {
    #[clap(long, env)]
    of_another_command: String,
}
"""


def sources(folder: Path, *, generated: int = 20) -> Path:
    more = "".join(f"\n    #[clap(long, env)]\n    generated_{number}: String,\n" for number in range(generated))
    (folder / "router").mkdir()
    (folder / "router/main.rs").write_text(ARGUMENTS.replace("MORE", more))
    (folder / "router/server.rs").write_text(
        'metrics::counter!("te_count", "method" => "x"); metrics::gauge!(\n    "te_queue_size"\n);\nlog!("te_no")'
    )
    return folder


def test_flags_are_the_fields_of_the_arguments_with_the_type_of_their_value(tmp_path: Path) -> None:
    lines = {line for line in read(sources(tmp_path), "router/main.rs", ["router"]) if "generated" not in line}
    assert {line for line in lines if line.startswith("--")} == {
        "--model-id",
        "--max-batch-tokens whole",
        "--port whole",
        "--json-output switch",
        "--auto-truncate",
        "--memory-fraction number",
        "--sharded",
    }


def test_metrics_are_called_as_they_are_recorded(tmp_path: Path) -> None:
    lines = read(sources(tmp_path), "router/main.rs", ["router"])
    assert [line for line in lines if line.startswith("metric")] == ["metric te_count", "metric te_queue_size"]


def test_a_parser_that_is_built_in_another_way_is_noticed(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="adapt this script"):
        read(sources(tmp_path, generated=0), "router/main.rs", ["router"])
