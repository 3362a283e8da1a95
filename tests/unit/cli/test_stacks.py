"""Commands about stack files: what they print, where, and with which exit code."""

import json
import re
from datetime import date
from pathlib import Path

import pytest
import yaml
from support.making import make
from support.program import ROOT, STACKS
from typer.testing import CliRunner

from llmplatform.checks import check_stack_file
from llmplatform.checks.rules import clusters
from llmplatform.cli.app import app
from llmplatform.specs.schema import TARGET
from llmplatform_sandbox.project import read_project

SEALED = "v1:kOliKRaUlB7Jv0XM:3C/gNxASd6IuDYGhEXsyFUHYdyaRng=="
"""As Pulumi's own command has written it."""


def _with_secrets(stack: str, folder: Path) -> Path:
    """A committed stack whose owner has written the secrets that it lacks."""
    text = (ROOT / f"Pulumi.{stack}.yaml").read_text(encoding="utf-8")
    path = folder / f"Pulumi.{stack}.yaml"
    path.write_text(text.replace("v1:replace:this", SEALED), encoding="utf-8")
    return path


@pytest.mark.parametrize("stack", ["prod", "prod-ack"])
def test_a_secret_that_is_still_to_be_written_is_told_with_the_command_that_does(stack: str) -> None:
    result = CliRunner().invoke(app, ["validate", stack, "--project", str(ROOT)])
    assert result.exit_code == 2, "pulumi says 'illegal base64 data at input byte 4', and no more"
    (line,) = result.stderr.splitlines()
    assert line.startswith("secrets.alert_receiver.secure: 'v1:replace:this' stands for a secret of yours; run pulumi ")


def test_what_the_vectors_of_milvus_take_is_shown_with_its_pods() -> None:
    result = CliRunner().invoke(app, ["validate", str(ROOT / "examples/milvus/Pulumi.vectors.yaml")])
    assert result.exit_code == 0, result.stderr
    said = " ".join(result.stdout.split())
    assert "20,000,000 vectors of dimension 768 with hnsw: 57.2 GiB, loaded 73.2 in memory and 0.0 on disk" in said
    assert re.search(r"queryNode \W 6 \W 6 \W 32 GiB", said)


def test_keys_of_providers_that_are_without_effect_are_warned_of(tmp_path: Path) -> None:
    path = tmp_path / "Pulumi.dev.yaml"
    keys = (
        "  aws:profile: prod\n  aws:region: us-east-1\n  aws:assumeRole: {roleArn: x}\n  alicloud:region: cn-beijing\n"
    )
    path.write_text((ROOT / "Pulumi.dev.yaml").read_text(encoding="utf-8") + keys, encoding="utf-8")
    result = CliRunner().invoke(app, ["validate", str(path)])
    assert result.exit_code == 0
    assert [line.split(": ")[1] for line in result.stderr.splitlines() if "config." in line] == [
        "config.aws:profile",
        "config.aws:assumeRole",
        "config.alicloud:region",
    ], "the same region is no contradiction"


@pytest.mark.parametrize("stack", STACKS)
def test_a_committed_stack_is_valid_and_shows_its_pools_and_models(stack: str, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["validate", str(_with_secrets(stack, tmp_path))])
    assert result.exit_code == 0, result.output
    config = yaml.safe_load((ROOT / f"Pulumi.{stack}.yaml").read_text())["config"]
    assert all(name in result.stdout for name in config["llmplatform:models"])


def test_the_phases_of_a_start_are_shown_and_are_there_for_machines_too() -> None:
    shown = CliRunner().invoke(app, ["validate", "dev", "--project", str(ROOT)]).stdout
    assert "Start of a server, in seconds" in shown
    result = CliRunner().invoke(app, ["validate", "dev", "--project", str(ROOT), "--json"])
    start = json.loads(result.stdout)["starts"]["qwen3-8b"]
    assert [phase["name"] for phase in start["phases"]] == ["node", "image", "weights", "boot", "load", "compile"]
    assert sum(phase["seconds"] for phase in start["phases"]) == start["new_node_seconds"]
    assert all(phase["source"] for phase in start["phases"])
    assert all(str(start[key]) in shown for key in ("new_node_seconds", "ready_node_seconds", "allowed_seconds"))


def test_a_pool_that_tries_spot_machines_first_shows_both_groups_and_their_sum() -> None:
    result = CliRunner().invoke(app, ["validate", "dev", "--project", str(ROOT)])
    assert "0 to 3 spot + 0 to 3 on demand" in result.stdout, "max holds for each group"
    assert "= 0 to 6 in all" in result.stdout, "what the pool can cost"
    assert "2 to 8 on demand, 4 a zone" in result.stdout, "max holds for each zone of a pool that has a group in each"


ENGINES = sorted(path.name.split(".")[1] for path in (ROOT / "examples/engines").glob("Pulumi.*.yaml"))


@pytest.mark.parametrize("stack", ENGINES)
def test_the_example_of_every_engine_is_valid_and_shows_what_it_keeps(stack: str) -> None:
    result = CliRunner().invoke(app, ["validate", stack, "--project", str(ROOT / "examples/engines")])
    assert result.exit_code == 0, result.output
    assert "inf" not in result.stdout, "an engine without a cache has none of any length"


def test_an_image_with_its_weights_is_shown_without_a_size_that_is_not_known(tmp_path: Path) -> None:
    document = yaml.safe_load((ROOT / "examples/engines/Pulumi.custom.yaml").read_text())
    document["config"]["llmplatform:models"]["router"] |= {"pool": "gpu", "resources": {}}
    path = tmp_path / "Pulumi.custom.yaml"
    path.write_text(yaml.safe_dump(document))
    result = CliRunner().invoke(app, ["validate", str(path)])
    assert result.exit_code == 0, result.output
    assert "router" in result.stdout


def wrong(folder: Path) -> None:
    document = yaml.safe_load((ROOT / "Pulumi.dev.yaml").read_text())
    document["config"]["llmplatform:cloud"]["account_id"] = "11112222333"
    document["config"]["llmplatform:models"]["qwen3-8b"]["pool"] = "gpus"
    (folder / "Pulumi.dev.yaml").write_text(yaml.safe_dump(document))


def test_a_wrong_stack_exits_with_2_and_a_line_for_each_mistake_on_standard_error(tmp_path: Path) -> None:
    wrong(tmp_path)
    result = CliRunner().invoke(app, ["validate", "dev", "--project", str(tmp_path)])
    assert result.exit_code == 2
    lines = result.stderr.splitlines()
    assert len(lines) == 2, lines
    assert all(line.count(": ") >= 1 and "; " in line for line in lines), "path: fault; remedy"
    assert result.stdout == ""


def test_a_preview_by_make_of_a_wrong_stack_says_the_same_fails_with_2_and_makes_nothing(tmp_path: Path) -> None:
    for name in ("Makefile", "Pulumi.yaml", "infra", ".venv"):
        (tmp_path / name).symlink_to(ROOT / name)
    wrong(tmp_path)
    before = sorted(tmp_path.iterdir())
    made = make(tmp_path, "-o", ".venv/.ready", "preview", "STACK=dev")
    assert made.returncode == 2
    *lines, last = made.stderr.splitlines()
    assert lines == check_stack_file(tmp_path / "Pulumi.dev.yaml")
    assert re.fullmatch(r"make: \*\*\* \[Makefile:\d+: preview\] Error 2", last)
    assert (made.stdout, sorted(tmp_path.iterdir())) == ("", before)


@pytest.mark.parametrize("value", ["$(shell touch proof)", "$$(touch proof)", "`touch proof`", '"; touch proof; "'])
def test_a_stack_that_is_named_to_make_is_never_run(tmp_path: Path, value: str) -> None:
    for name in ("Makefile", "Pulumi.yaml", "infra", ".venv"):
        (tmp_path / name).symlink_to(ROOT / name)
    for goal, variable in (("preview", "STACK"), ("diff", "AGAINST")):
        assert make(tmp_path, "-o", ".venv/.ready", goal, f"{variable}={value}").returncode == 2
    assert not (tmp_path / "proof").exists(), "a workflow may name a stack after a branch"


@pytest.mark.parametrize(
    ("words", "whole"),
    [
        (["validate", "dev-ack"], "ecs.gn7i-c16g1.4xlarge"),
        (
            ["doctor", "dev-ack", "--offline", "--only", "charts-lock"],
            "there is no charts.lock: no digest is recorded for any archive",
        ),
        (["doctor", "prod", "--list"], "ec2:GetEbsDefaultKmsKeyId, kms:DescribeKey, kms:GetKeyPolicy, kms:ListGrants"),
    ],
)
def test_a_table_in_a_log_is_whole_whatever_the_terminal_was(
    monkeypatch: pytest.MonkeyPatch, words: list[str], whole: str
) -> None:
    shown = set[str]()
    for columns in ("0", "40", "200"):
        monkeypatch.setenv("COLUMNS", columns)
        shown.add(CliRunner().invoke(app, [*words, "--project", str(ROOT)]).stdout)
    (text,) = shown
    assert whole in text


def test_every_command_writes_through_the_console_that_keeps_lines_whole() -> None:
    sources = [*(ROOT / "components/llmplatform").rglob("*.py"), *(ROOT / "sandbox/llmplatform_sandbox").rglob("*.py")]
    makers = [path.name for path in sources if re.search(r"\bConsole\(", path.read_text())]
    assert makers == ["machine.py"]


def test_the_problems_are_there_for_machines_too(tmp_path: Path) -> None:
    wrong(tmp_path)
    result = CliRunner().invoke(app, ["validate", "dev", "--project", str(tmp_path), "--json"])
    found = json.loads(result.stdout)
    assert result.exit_code == 2
    assert (found["valid"], len(found["problems"])) == (False, 2)


def test_a_warning_is_marked_as_one_and_the_stack_is_valid(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clusters, "today", lambda: date(2036, 1, 1))
    result = CliRunner().invoke(app, ["validate", "dev", "--project", str(ROOT)])
    assert result.exit_code == 0, result.output
    line, advice = result.stderr.splitlines()
    assert line.startswith("warning: cluster.kubernetes_version: standard support of 1.35 ended on ")
    assert advice.startswith("warning: models.qwen3-8b.context_length: the cache of a replica holds about 19,")
    result = CliRunner().invoke(app, ["validate", "dev", "--project", str(ROOT), "--json"])
    found = json.loads(result.stdout)
    assert (result.exit_code, found["valid"], found["problems"]) == (0, True, [])
    assert [warning["path"] for warning in found["warnings"]] == [
        "cluster.kubernetes_version",
        "models.qwen3-8b.context_length",
    ]


def test_a_stack_file_is_where_pulumi_looks_for_it(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: app\nruntime: python\nstackConfigDir: stacks\n")
    (tmp_path / "stacks").mkdir()
    wrong(tmp_path / "stacks")
    result = CliRunner().invoke(app, ["validate", "dev", "--project", str(tmp_path), "--json"])
    assert json.loads(result.stdout)["file"] == str(tmp_path / "stacks" / "Pulumi.dev.yaml")
    assert read_project(tmp_path).stack_file("dev") == tmp_path / "stacks" / "Pulumi.dev.yaml", "as the sandbox does"
    assert len(json.loads(result.stdout)["problems"]) == 2


def test_charts_are_looked_for_beside_the_project_file(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: app\nruntime: python\nstackConfigDir: stacks\n")
    (tmp_path / "stacks").mkdir()
    (tmp_path / "stacks" / "Pulumi.dev.yaml").write_text((ROOT / "Pulumi.dev.yaml").read_text())
    result = CliRunner().invoke(app, ["validate", "dev", "--project", str(tmp_path)])
    assert f"are not in {tmp_path / '.charts'}: " in result.stdout, "`llmplatform charts pull` puts them there"


@pytest.mark.parametrize("content", ["[]", "a: [", "\t"])
def test_a_project_file_that_is_none_leaves_the_stack_file_beside_it(content: str, tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text(content)
    wrong(tmp_path)
    assert len(CliRunner().invoke(app, ["validate", "dev", "--project", str(tmp_path)]).stderr.splitlines()) == 2


def test_a_stack_without_a_file_says_which_file(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["validate", "nowhere", "--project", str(tmp_path)])
    assert result.exit_code == 2
    assert "Pulumi.nowhere.yaml" in result.stderr


def test_the_schema_is_printed_as_it_is_committed() -> None:
    assert CliRunner().invoke(app, ["schema"]).stdout == TARGET.read_text()
