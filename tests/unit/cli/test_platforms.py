"""`llmplatform use-platform`: where the platform is comes into the stack file; nothing else in it moves."""

import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from support.existing_things import exported, told
from support.program import ROOT
from typer.testing import CliRunner

from llmplatform.cli.app import app

OWN = """\
# Whose this is.
config:
  # The team.
  llmplatform:environment: {name: dev, owner: search, cost_center: "1", protection: none}

  # What it runs.
  llmplatform:models:
    small:  # Answers.
      source: Qwen/Qwen3-4B
      pool: gpu
"""


def use(folder: Path, ref: dict[str, Any], *options: str, stack: str = "dev", code: int = 0) -> str:
    arguments = ["use-platform", stack, "--project", str(folder), *options]
    # Pulumi sorts what it prints.
    result = CliRunner().invoke(app, arguments, input=json.dumps(ref, sort_keys=True))
    assert result.exit_code == code, result.output
    return result.output


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "Pulumi.dev.yaml"
    path.write_text(OWN)
    return path


def test_the_sections_are_added_and_the_file_becomes_valid(file: Path) -> None:
    use(file.parent, told("dev"))
    assert file.read_text().startswith(OWN), "what the team has written stays, comments included"
    result = CliRunner().invoke(app, ["validate", "dev", "--project", str(file.parent)])
    assert result.exit_code == 0, result.output


def test_a_second_run_changes_nothing(file: Path) -> None:
    use(file.parent, told("dev"))
    before = file.read_text()
    assert "up to date" in use(file.parent, told("dev"))
    assert file.read_text() == before


def test_a_change_of_the_platform_is_a_change_of_those_lines_alone(file: Path) -> None:
    use(file.parent, told("dev"))
    file.write_text(f"{file.read_text()}  # At the end.\n")
    before, ref = file.read_text().splitlines(), told("dev")
    ref["cluster"] = {**ref["cluster"], "endpoint_url": "https://10.0.0.9:6443"}
    assert "is stale" in use(file.parent, ref, "--check", code=1)
    assert file.read_text().splitlines() == before, "a check writes nothing"
    use(file.parent, ref)
    after = file.read_text().splitlines()
    changed = [line for line in after if line not in before]
    assert changed == ["    endpoint_url: https://10.0.0.9:6443"]
    assert len(after) == len(before)


def test_a_team_keeps_pools_of_its_own_beside_those_of_the_platform(file: Path) -> None:
    file.write_text(f"{OWN}  llmplatform:pools:\n    ours:\n      instance_types: [m7i.xlarge]\n      max: 1\n")
    use(file.parent, told("dev"))
    pools = yaml.safe_load(file.read_text())["config"]["llmplatform:pools"]
    assert pools["ours"] == {"instance_types": ["m7i.xlarge"], "max": 1}
    assert pools["gpu"]["existing"]
    assert CliRunner().invoke(app, ["validate", "dev", "--project", str(file.parent)]).exit_code == 0


def test_gpus_of_a_teams_own_are_left_for_it_to_decide_about_and_refused_by_the_next_command(file: Path) -> None:
    file.write_text(f"{OWN}  llmplatform:pools:\n    ours:\n      instance_types: [g6.2xlarge]\n      max: 1\n")
    use(file.parent, told("dev"))
    assert "ours" in yaml.safe_load(file.read_text())["config"]["llmplatform:pools"], "nothing of a team's gets lost"
    result = CliRunner().invoke(app, ["validate", "dev", "--project", str(file.parent)])
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert line.startswith("pools.ours: another stack's platform ")


def test_a_pool_that_both_have_is_refused_and_nothing_is_written(file: Path) -> None:
    file.write_text(f"{OWN}  llmplatform:pools:\n    gpu:\n      instance_types: [g6.2xlarge]\n      max: 1\n")
    before = file.read_text()
    assert "pools.gpu: the platform has a pool of this name; rename it" in use(file.parent, told("dev"), code=2)
    assert file.read_text() == before


def test_a_stack_that_is_not_there_yet_is_begun(tmp_path: Path) -> None:
    use(tmp_path, told("dev-ack"))
    config = yaml.safe_load((tmp_path / "Pulumi.dev.yaml").read_text())["config"]
    assert config["llmplatform:platform"]["kind"] == "existing"


@pytest.mark.parametrize("given", ["", "[]", "none of JSON"])
def test_what_is_no_output_of_a_platform_is_refused_with_the_command_that_makes_one(file: Path, given: str) -> None:
    result = CliRunner().invoke(app, ["use-platform", "dev", "--project", str(file.parent)], input=given)
    assert result.exit_code == 2
    assert "pulumi stack output platform --json" in result.output
    assert file.read_text() == OWN


def test_a_file_that_is_not_there_is_named(file: Path) -> None:
    assert "nowhere.json: cannot be read" in use(file.parent, {}, "--from", "nowhere.json", code=2)


def with_ids(made: Any, written: Any, key: str = "") -> Any:
    """What a platform exports, with what its cloud assigned as a stack file has it."""
    if isinstance(made, dict):
        known: dict[str, Any] = written if isinstance(written, dict) else {}
        return {name: with_ids(each, known.get(name), name) for name, each in made.items()}
    return written if re.fullmatch(r"(\w+_)?id|endpoint_url|certificate_authority|us-east-1[ab]", key) else made


@pytest.mark.parametrize("stack", ["dev", "dev-ack"])
def test_the_example_is_as_this_command_writes_it(stack: str, tmp_path: Path) -> None:
    text = (ROOT / "examples" / "models-only" / f"Pulumi.{stack}.yaml").read_text()
    config = yaml.safe_load(text)["config"]
    ref = {name: with_ids(each, config.get(f"llmplatform:{name}")) for name, each in exported(stack).items()}
    file = tmp_path / f"Pulumi.{stack}.yaml"
    file.write_text(text)
    assert "up to date" in use(tmp_path, ref, "--check", stack=stack)
    file.write_text(text.partition("  llmplatform:cloud:\n")[0])
    use(tmp_path, ref, stack=stack)
    assert file.read_text() == text, "to the last quote, so that the next run changes nothing else"


def test_the_next_command_can_be_copied(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert f"`llmplatform validate dev --project {file.parent}`" in use(file.parent, told("dev"))
    file.write_text(OWN)
    monkeypatch.chdir(file.parent)
    assert "`llmplatform validate dev`" in use(Path(), told("dev"))


def test_a_folder_that_is_not_there_and_one_in_place_of_the_file_are_refused_in_a_line(file: Path) -> None:
    said = use(file.parent / "nowhere", told("dev"), code=2)
    assert said.endswith("; name the folder of Pulumi.yaml with --project\n")
    file.unlink()
    file.mkdir()
    assert use(file.parent, told("dev"), code=2) == f"{file}: it is a folder; name a stack, or the file of one\n"


def test_what_is_nested_too_deeply_or_cannot_be_read_is_said_in_a_line(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = file.parent / "deep.json"
    deep.write_text("[" * 5000 + "]" * 5000)
    command = ["use-platform", "dev", "--project", str(file.parent)]
    result = CliRunner().invoke(app, [*command, "--from", str(deep)])
    assert (result.exit_code, result.stderr.splitlines()) == (
        2,
        [f"{deep}: it is nested too deeply; give what `pulumi stack output platform --json` prints"],
    )
    monkeypatch.setattr("llmplatform.cli.platform_sections.sys", SimpleNamespace(stdin=None))
    result = CliRunner().invoke(app, command)
    assert (result.exit_code, result.stderr.splitlines()) == (
        2,
        ["standard input: cannot be read: it is closed; give the path of a file"],
    )
