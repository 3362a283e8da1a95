"""What guides have a user type before the first update, by the real CLI: with a folder for the bucket, and no KMS."""

import os
import subprocess
from pathlib import Path

import pytest
import yaml
from documents import commands
from program import ROOT

from llmplatform.specs import check_stack_file
from llmplatform_sandbox.toolchain import PULUMI, ensure

pytestmark = pytest.mark.sandbox

STATE = ("pulumi login", "pulumi stack init", "pulumi config set")
SECRET = "https://alerts.example.org/of-nobody"


def begins(words: tuple[str, ...], start: str) -> bool:
    return " ".join(words).startswith(f"{start} ")


@pytest.mark.parametrize(
    ("page", "stack"), [("README.md", "dev"), ("docs/aws-account.md", "prod"), ("docs/alicloud-account.md", "prod-ack")]
)
def test_a_stack_begins_and_keeps_its_secret(tmp_path: Path, page: str, stack: str) -> None:
    for name in ("Pulumi.yaml", f"Pulumi.{stack}.yaml"):
        (tmp_path / name).write_text((ROOT / name).read_text())
    (tmp_path / "state").mkdir()
    replaced = {"s3": f"file://{tmp_path}/state", "awskms": "passphrase", "hashivault": "passphrase"}
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PULUMI_")}
    environment |= {"PULUMI_HOME": str(tmp_path / "home"), "PULUMI_CONFIG_PASSPHRASE": "it"}
    typed = {start: words for words in commands((ROOT / page).read_text()) for start in STATE if begins(words, start)}
    assert len(typed) >= 2, "of two ways to begin a stack, the last"
    for words in typed.values():
        command = [ensure([PULUMI])["pulumi"], *(replaced.get(word.partition("://")[0], word) for word in words[1:])]
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, input=SECRET, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
    file = tmp_path / f"Pulumi.{stack}.yaml"
    assert check_stack_file(file) == []
    assert SECRET not in file.read_text(), "it is encrypted"
    before, after = (yaml.safe_load(each.read_text()) for each in (ROOT / file.name, file))
    assert after.pop("encryptionsalt"), "the key's part of the file"
    secrets = [each["config"].pop("llmplatform:secrets", None) for each in (before, after)]
    assert (stack == "dev") == (secrets[0] == secrets[1]), "the secret is in the place of the committed one"
    assert after == before, "nothing else has changed"
