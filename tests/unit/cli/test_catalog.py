"""`llmplatform catalog`: tables, and models that a configuration or a hub describes."""

import json
import re
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from rich.console import Console
from typer.testing import CliRunner

from llmplatform.catalog import gpus, model_rows, models, tables
from llmplatform.cli import hub
from llmplatform.cli.app import app
from llmplatform.cli.hub import HubError, read_hub

CONFIG: dict[str, Any] = {
    "model_type": "qwen3",
    "hidden_size": 4096,
    "num_hidden_layers": 36,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "intermediate_size": 12288,
    "vocab_size": 151936,
    "max_position_embeddings": 40960,
    "tie_word_embeddings": False,
}


def run(*words: str) -> Any:
    return CliRunner().invoke(app, ["catalog", *words])


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the models' table, which the command writes to."""
    path = tmp_path / "models.csv"
    path.write_bytes((tables.DATA / "models.csv").read_bytes())
    monkeypatch.setattr(model_rows, "MODELS", path)
    return path


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.json"
    path.write_text(json.dumps(CONFIG), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (("models", "qwen3-8b"), {"Qwen/Qwen3-8B", "Qwen/Qwen3-8B-FP8", "Qwen/Qwen3-8B-AWQ"}),
        (("gpus", "L4"), {"L4", "L40S"}),
        (("instances", "--gpu", "L20", "ecs.gn8is."), {"ecs.gn8is.2xlarge", "ecs.gn8is.4xlarge"}),
    ],
)
def test_a_table_has_the_names_that_are_asked_for(words: tuple[str, ...], names: set[str]) -> None:
    result = run(*words)
    assert result.exit_code == 0, result.output
    assert all(name in result.stdout for name in names)
    found = json.loads(run(*words, "--json").stdout)
    assert {each.get("id") or each["name"] for each in found} == names


def test_a_text_that_no_name_has_ends_with_1() -> None:
    assert run("models", "no-such-model").exit_code == 1


def test_an_unknown_gpu_is_refused_with_those_that_are_known() -> None:
    result = run("instances", "--gpu", "L400")
    assert result.exit_code == 2
    assert all(name in result.stderr for name in gpus.names())


def test_a_file_becomes_a_row_that_says_the_same_as_a_known_one(table: Path, config: Path) -> None:
    before = table.read_text(encoding="utf-8").splitlines()
    result = run("add-model", str(config), "--id", "my-org/my-model")
    assert result.exit_code == 0, result.output
    after = table.read_text(encoding="utf-8").splitlines()
    assert after[:-1] == before, "other rows and comments stay"
    like = next(line for line in after if line.startswith("Qwen/Qwen3-8B,")).removesuffix(",=,")
    assert after[-1] == like.replace("Qwen/Qwen3-8B", "my-org/my-model") + ",,"


def test_a_row_is_replaced_and_keeps_what_a_configuration_does_not_say(table: Path, config: Path) -> None:
    config.write_text(json.dumps({**CONFIG, "max_position_embeddings": 131072}), encoding="utf-8")
    before = table.read_bytes()
    refused = run("add-model", str(config), "--id", "Qwen/Qwen3-8B")
    assert refused.exit_code == 2
    assert refused.stderr == (
        "Qwen/Qwen3-8B: is known, and would change: context_length 40960 → 131072; write --replace if that is meant\n"
    )
    assert table.read_bytes() == before
    result = run("add-model", str(config), "--id", "Qwen/Qwen3-8B", "--replace")
    assert "is changed (context_length 40960 → 131072)" in result.stdout
    (line,) = (line for line in table.read_text(encoding="utf-8").splitlines() if line.startswith("Qwen/Qwen3-8B,"))
    assert ",131072," in line
    assert line.endswith(",=,"), "the id at ModelScope"


def test_a_row_keeps_its_measured_memory(table: Path, config: Path) -> None:
    name, lines = "Qwen/Qwen3-8B", table.read_text(encoding="utf-8").splitlines()
    extra = next(line for line in lines if line.startswith("id,")).split(",").index("extra_gib")
    at = next(index for index, line in enumerate(lines) if line.startswith(f"{name},"))
    cells = lines[at].split(",")
    cells[extra] = "1.5"
    lines[at] = ",".join(cells)
    table.write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert run("add-model", str(config), "--id", name).exit_code == 0
    assert table.read_text(encoding="utf-8").splitlines()[at] == lines[at]


def test_a_model_that_the_table_could_not_hold_is_not_written(table: Path, config: Path) -> None:
    before = table.read_bytes()
    for broken in ({"vocab_size": 50_000_000}, {"num_hidden_layers": None}, {"layer_types": ["full_attention"]}):
        config.write_text(json.dumps({**CONFIG, **broken}), encoding="utf-8")
        result = run("add-model", str(config), "--id", "my-org/my-model")
        assert result.exit_code == 2
        assert len(result.stderr.splitlines()) == 1, result.stderr
    assert table.read_bytes() == before


def test_an_index_without_a_size_is_none(config: Path) -> None:
    config.write_text(json.dumps({**CONFIG, "model_type": "brand_new"}), encoding="utf-8")
    for index in ({"metadata": None}, {"metadata": {"total_size": None}}, {}):
        (config.parent / hub.INDEX).write_text(json.dumps(index), encoding="utf-8")
        result = run("add-model", str(config), "--id", "a/b", "--print")
        assert (result.exit_code, len(result.stderr.splitlines())) == (2, 1)


def test_print_shows_the_setting_and_writes_nothing(table: Path, config: Path) -> None:
    before = table.read_bytes()
    result = run("add-model", str(config), "--id", "my-org/my-model", "--print")
    assert result.stdout.startswith("shape:\n  parameters_billion: 8.19\n  layers: 36\n")
    assert "state_mib" not in result.stdout, "what is the default is left out"
    assert table.read_bytes() == before


def test_what_is_wrong_with_a_file_is_said_in_the_users_terms(table: Path, config: Path) -> None:
    for text, fault in (
        ({}, "the file names no model_type"),
        ({**CONFIG, "vocab_size": "many"}, "a value of its config.json is empty or of another form; write"),
        ({**CONFIG, "model_type": "brand_new"}, "or leave the file away: the hub knows their size"),
    ):
        config.write_text(json.dumps(text), encoding="utf-8")
        assert fault in run("add-model", str(config), "--id", "a/b").stderr


def test_a_narrow_terminal_shows_what_tells_rows_apart_in_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "llmplatform.cli.machine.console_for", lambda: Console(file=sys.stdout, width=80, highlight=False)
    )
    found = run("models", "qwen3-8b").stdout
    assert "…" not in found
    assert {"Qwen/Qwen3-8B", "Qwen/Qwen3-8B-FP8", "Qwen/Qwen3-8B-AWQ"} <= {*re.findall(r"[^\s│]+", found)}
    assert "--json prints all columns" in found
    machines = run("instances").stdout
    assert "…" not in machines
    assert "g6.xlarge" in machines
    assert re.search(r"^unusable: .*: ", machines, re.MULTILINE), "a reason once, below the table"


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (["no/config.json", "--id", "a/b"], "no/config.json: there is no such file"),
        (["--id", "not an id"], "--id: 'not an id' is not a Hugging Face id"),
        ([], "--id: is missing"),
    ],
)
def test_what_cannot_be_read_is_refused_in_one_line(words: list[str], fault: str) -> None:
    result = run("add-model", *words)
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert line.startswith(fault)


def test_a_file_that_is_no_configuration_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    for text, fault in (("<html>", "is not JSON"), ("[]", "is not a JSON object")):
        path.write_text(text, encoding="utf-8")
        result = run("add-model", str(path), "--id", "a/b")
        assert result.exit_code == 2
        assert fault in result.stderr


def test_the_index_beside_a_file_says_the_size_of_an_unknown_architecture(config: Path) -> None:
    config.write_text(json.dumps({**CONFIG, "model_type": "brand_new"}), encoding="utf-8")
    assert run("add-model", str(config), "--id", "a/b", "--print").exit_code == 2
    index = {"metadata": {"total_size": 16_380_000_000}}
    (config.parent / hub.INDEX).write_text(json.dumps(index), encoding="utf-8")
    assert "parameters_billion: 8.19" in run("add-model", str(config), "--id", "a/b", "--print").stdout


def a_hub(files: dict[str, Any], asked: list[httpx.Request] | None = None, status: int = 200) -> httpx.MockTransport:
    def answer(request: httpx.Request) -> httpx.Response:
        if asked is not None:
            asked.append(request)
        if status != 200:
            return httpx.Response(status)
        name = request.url.path.rpartition("/resolve/main/")[2]
        facts = {"gated": "manual", "safetensors": {"parameters": {"BF16": 100, "I32": 1000}}}
        if request.url.path == "/api/models/my-org/my-model/revision/main":
            return httpx.Response(200, json=facts)
        return httpx.Response(200, json=files[name]) if name in files else httpx.Response(404)

    return httpx.MockTransport(answer)


def read(transport: httpx.BaseTransport, **options: Any) -> hub.Published:
    return read_hub("my-org/my-model", "https://hub.test/", transport=transport, **options)


def test_a_hub_says_what_files_and_facts_it_has() -> None:
    asked: list[httpx.Request] = []
    quantized = {**CONFIG, "quantization_config": {"quant_method": "awq", "bits": 4, "group_size": 128}}
    found = read(a_hub({"config.json": quantized}, asked), token="hf_secret")
    assert found.config == quantized
    assert found.quantization is None
    assert found.stored_bytes == 100 * 2 + 1000 * 4
    assert found.parameters == 100 + 1000 * 8, "eight weights of 4 bit in one number"
    assert found.gated
    assert {request.headers["authorization"] for request in asked} == {"Bearer hf_secret"}


@pytest.mark.parametrize(
    ("transport", "fault"),
    [
        (a_hub({}), "has no such model"),
        (a_hub({}, status=401), "asks for a login .* set HF_TOKEN"),
        (a_hub({}, status=503), r"gave no answer \(503 Service Unavailable\)"),
        (httpx.MockTransport(lambda _: httpx.Response(200, text="<html>")), "does not answer like a model hub"),
    ],
)
def test_a_hub_that_has_no_answer_is_told_in_one_line(transport: httpx.BaseTransport, fault: str) -> None:
    with pytest.raises(HubError, match=fault) as raised:
        read(transport)
    assert "\n" not in str(raised.value)


def test_a_hub_that_cannot_be_reached_is_told_with_the_remedy() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("Connection refused", request=request)

    with pytest.raises(HubError, match=r"cannot be reached \(Connection refused\); name a mirror with --hub"):
        read(httpx.MockTransport(refuse))


def test_the_command_asks_the_hub_and_writes_the_row(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    transport = a_hub({"config.json": CONFIG})
    monkeypatch.setattr(
        hub, "read_hub", lambda *words, **options: read_hub(*words, **{**options, "transport": transport})
    )
    result = run("add-model", "--id", "my-org/my-model", "--hub", "https://hub.test")
    assert result.exit_code == 0, result.output
    assert table.read_text(encoding="utf-8").splitlines()[-1].endswith(",,yes"), "the hub says that it is gated"


def test_every_known_model_can_be_shown() -> None:
    assert len(json.loads(run("models", "--json").stdout)) == len(models.names())
