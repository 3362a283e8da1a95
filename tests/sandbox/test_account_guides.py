"""What guides have a user type before the first update, by the real CLI: with a folder for the bucket, and no KMS."""

import os
import subprocess
from pathlib import Path

import pytest
import yaml
from support.documents import commands
from support.program import ROOT

from llmplatform.checks import check_stack_file
from llmplatform_sandbox.toolchain import PULUMI, ensure

pytestmark = pytest.mark.sandbox

STATE = ("pulumi login", "pulumi stack init", "pulumi config set")
SECRET = "https://alerts.example.org/invented"


def begins(words: tuple[str, ...], start: str) -> bool:
    return " ".join(words).startswith(f"{start} ")


def typed_in(page: str) -> list[tuple[str, ...]]:
    return list(commands((ROOT / page).read_text()))


def begun(folder: Path, page: str, stack: str) -> Path:
    """The stack's file after a page's commands."""
    for name in ("Pulumi.yaml", f"Pulumi.{stack}.yaml"):
        (folder / name).write_text((ROOT / name).read_text())
    (folder / "state").mkdir()
    typed = {start: words for words in typed_in(page) for start in STATE if begins(words, start)}
    assert len(typed) >= 2, "of two ways to begin a stack, the last"
    for words in typed.values():
        run(folder, words)
    return folder / f"Pulumi.{stack}.yaml"


def run(folder: Path, words: tuple[str, ...]) -> None:
    replaced = {"s3": f"file://{folder}/state", "awskms": "passphrase", "hashivault": "passphrase"}
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PULUMI_")}
    environment |= {"PULUMI_HOME": str(folder / "home"), "PULUMI_CONFIG_PASSPHRASE": "it"}
    command = [ensure([PULUMI])["pulumi"], *(replaced.get(word.partition("://")[0], word) for word in words[1:])]
    done = subprocess.run(
        command, cwd=folder, env=environment, input=SECRET, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(("page", "stack"), [("docs/aws-account.md", "prod"), ("docs/alicloud-account.md", "prod-ack")])
def test_a_stack_begins_and_keeps_its_secret(tmp_path: Path, page: str, stack: str) -> None:
    file = begun(tmp_path, page, stack)
    assert check_stack_file(file) == []
    assert SECRET not in file.read_text(), "it is encrypted"
    before, after = (yaml.safe_load(each.read_text()) for each in (ROOT / file.name, file))
    assert after.pop("encryptionsalt"), "the key's part of the file"
    secrets = [each["config"].pop("llmplatform:secrets", None) for each in (before, after)]
    assert secrets[0] != secrets[1], "the secret is in the place of the committed one"
    assert after == before, "nothing else has changed"


def test_the_password_of_a_registry_is_kept_beside_its_login(tmp_path: Path) -> None:
    file = begun(tmp_path, "docs/aws-account.md", "prod")
    [words] = [each for each in typed_in("docs/existing.md") if begins(each, "pulumi config set")]
    run(tmp_path, words)
    document = yaml.safe_load(file.read_text())
    document["config"]["llmplatform:mirrors"] = {
        "images": {"docker.io": "registry.example.org/hub"},
        "login": {"registry": "registry.example.org", "user": "robot$pull"},
    }
    file.write_text(yaml.safe_dump(document))
    assert check_stack_file(file) == []
    assert SECRET not in file.read_text(), "it is encrypted"


@pytest.mark.parametrize(
    ("page", "setting", "value"),
    [
        ("docs/mlflow.md", ("mlflow", "database"), {"kind": "existing", "host": "postgres.example.org"}),
        ("docs/cache.md", ("cache", "server"), {"kind": "existing", "host": "cache.example.org"}),
    ],
)
def test_the_password_of_an_existing_server_is_kept(
    tmp_path: Path, page: str, setting: tuple[str, str], value: dict[str, str]
) -> None:
    file = begun(tmp_path, "docs/aws-account.md", "prod")
    [words] = [each for each in typed_in(page) if begins(each, "pulumi config set")]
    service, server = setting
    document = yaml.safe_load(file.read_text())
    services = document["config"].setdefault("llmplatform:services", {})
    services[service] = {**services.get(service, {}), "enabled": True, server: value}
    file.write_text(yaml.safe_dump(document))
    assert any("password" in line for line in check_stack_file(file)), "it is asked for"
    run(tmp_path, words)
    assert check_stack_file(file) == []
    assert SECRET not in file.read_text(), "it is encrypted"
