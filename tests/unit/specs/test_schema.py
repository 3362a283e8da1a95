"""The JSON schema of stack files, and the files that we ship."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from llmplatform.checks import check_stack_file
from llmplatform.specs import schema
from llmplatform.specs.stack import STACKS as STACKS_BY_CLOUD

ROOT = Path(__file__).parents[3]
STACKS = sorted(ROOT.glob("Pulumi.*.yaml"))


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    document = json.loads(schema.TARGET.read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(document)
    return Draft202012Validator(document)


def load(path: Path) -> dict[str, Any]:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def test_the_schema_is_the_one_of_the_models() -> None:
    assert schema.TARGET.read_text(encoding="utf-8") == schema.text(), "run python -m llmplatform.specs.schema"


@pytest.mark.parametrize("path", STACKS, ids=lambda path: path.name)
def test_a_shipped_file_is_valid(path: Path, validator: Draft202012Validator) -> None:
    assert check_stack_file(path) == []
    assert [error.message for error in validator.iter_errors(load(path))] == [], "an editor would mark it"


@pytest.mark.parametrize("path", STACKS, ids=lambda path: path.name)
def test_a_shipped_file_points_editors_at_the_schema(path: Path) -> None:
    first = path.read_text(encoding="utf-8").splitlines()[0]
    target = first.removeprefix("# yaml-language-server: $schema=")
    assert (ROOT / target) == schema.TARGET


@pytest.mark.parametrize(("small", "large"), [("dev", "prod"), ("dev-ack", "prod-ack")])
def test_shipped_environments_are_told_apart_by_values_only(small: str, large: str) -> None:
    dev, prod = (set(load(ROOT / f"Pulumi.{name}.yaml")["config"]) for name in (small, large))
    assert dev <= prod, "an environment has what the smaller one has"


def test_the_schema_takes_the_letters_of_all_alphabets_where_the_clouds_do(validator: Draft202012Validator) -> None:
    document = load(ROOT / "Pulumi.dev.yaml")
    document["config"]["llmplatform:tags"] = {"équipe": "平台", "Команда": "a b"}
    assert [error.message for error in validator.iter_errors(document)] == [], "an editor would mark it"


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        ("environment", "names", "x"),
        ("environment", "protection", "some"),
        ("cloud", "account_id", 111122223333),
        ("network", "nat", "two"),
        ("cluster", "kubernetes_version", 1.35),
        ("cluster", "name", "of the other arm"),
        ("network", "ranges", {"us-east-1": 0}),
        ("cloud", "gpu_zones", {"g5.2xlarge": ["us-east-1a"]}),
        ("cluster", "addons", {"vpc_cni": {}}),
        ("tags", "team;cost", "a"),
        ("tags", "team", "a#b"),
        ("mirrors", "images", {"https://docker.io": "registry.example.org/x"}),
        ("pools", "gpu_pool", {"instance_types": ["g5.2xlarge"], "max": 1}),
        ("models", "Qwen3-8B", {"source": "Qwen/Qwen3-8B", "pool": "gpu"}),
    ],
)
def test_the_schema_refuses_what_the_models_refuse(
    section: str, key: str, value: object, validator: Draft202012Validator, tmp_path: Path
) -> None:
    document = load(ROOT / "Pulumi.dev.yaml")
    document["config"].setdefault(f"llmplatform:{section}", {})[key] = value
    assert list(validator.iter_errors(document)), "the editor says it first"
    path = tmp_path / "Pulumi.dev.yaml"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    assert check_stack_file(path)


@pytest.mark.parametrize(
    ("stack", "section", "key"),
    [
        ("dev", "cluster", "release"),
        ("dev", "addons", "logs"),
        ("dev-ack", "addons", "gpu_operator"),
        ("dev-ack", "cloud", "partition"),
    ],
)
def test_a_key_of_one_cloud_is_unknown_on_the_other(
    stack: str, section: str, key: str, validator: Draft202012Validator, tmp_path: Path
) -> None:
    document = load(ROOT / f"Pulumi.{stack}.yaml")
    document["config"][f"llmplatform:{section}"][key] = {}
    assert list(validator.iter_errors(document)), "the editor says it first"
    path = tmp_path / f"Pulumi.{stack}.yaml"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    (line,) = check_stack_file(path)
    assert line.startswith(f"{section}.{key}: ")


def test_a_file_must_say_which_cloud_it_is_for(validator: Draft202012Validator) -> None:
    document = load(ROOT / "Pulumi.dev.yaml")
    del document["config"]["llmplatform:cloud"]["provider"]
    assert list(validator.iter_errors(document))
    document["config"]["llmplatform:cloud"]["provider"] = "gcp"
    assert list(validator.iter_errors(document))


def test_what_pulumi_itself_writes_is_allowed(validator: Draft202012Validator) -> None:
    document = load(ROOT / "Pulumi.dev.yaml")
    document |= {"encryptionsalt": "v1:x", "secretsprovider": "awskms://alias/x", "encryptedkey": "x"}
    document["config"] |= {
        "aws:region": "us-east-1",
        "pulumi:tags": {"a": "b"},
        "llmplatform:secrets": {"huggingface_token": {"secure": "AAAB"}},
    }
    assert [error.message for error in validator.iter_errors(document)] == []


@pytest.mark.parametrize("provider", STACKS_BY_CLOUD)
def test_every_section_is_described(provider: str) -> None:
    for name, field in STACKS_BY_CLOUD[provider].model_fields.items():
        assert field.description, f"{name}: an editor shows the description"


def test_the_command_tells_a_stale_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(schema, "TARGET", tmp_path / "stack.schema.json")
    monkeypatch.setattr("sys.argv", ["schema", "--check"])
    assert schema.main() == 1, "there is none yet"
    monkeypatch.setattr("sys.argv", ["schema"])
    assert schema.main() == 0
    monkeypatch.setattr("sys.argv", ["schema", "--check"])
    assert schema.main() == 0
