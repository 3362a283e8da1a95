"""Copying a project into the sandbox."""

import base64
import hashlib
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from llmplatform_sandbox.errors import SandboxError
from llmplatform_sandbox.paths import SandboxPaths
from llmplatform_sandbox.project import copy_project, read_project, require_stack

STACK = """
secretsprovider: awskms://alias/team
encryptedkey: AQICAHg=
encryptionsalt: v1:users:v1:own
config:
  app:plain: one
  app:token:
    secure: v1:users:ciphertext
  app:nested:
    list:
      - secure: v1:users:other
      - kept
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "checkout"
    (folder / "program").mkdir(parents=True)
    (folder / "Pulumi.yaml").write_text(
        "name: app\nmain: program\nruntime: {name: python}\nbackend: {url: s3://state}\n"
    )
    (folder / "Pulumi.dev.yaml").write_text(STACK)
    return folder


@pytest.fixture
def paths(tmp_path: Path) -> SandboxPaths:
    paths = SandboxPaths(tmp_path / "state")
    paths.create()
    return paths


def copied(project: Path, paths: SandboxPaths) -> dict[str, Any]:
    copy_project(read_project(project), "dev", paths)
    return yaml.safe_load((paths.project / "Pulumi.dev.yaml").read_text())


def decrypt(paths: SandboxPaths, secure: str) -> str:
    salt = base64.b64decode((paths.folder / "encryptionsalt").read_text().split(":")[1])
    key = hashlib.pbkdf2_hmac("sha256", paths.passphrase.read_text().encode(), salt, 1_000_000, 32)
    _, nonce, text = secure.split(":")
    return AESGCM(key).decrypt(base64.b64decode(nonce), base64.b64decode(text), None).decode()


def test_nothing_that_only_a_key_of_the_user_opens_reaches_the_copy(project: Path, paths: SandboxPaths) -> None:
    stack = copied(project, paths)
    text = (paths.project / "Pulumi.dev.yaml").read_text()
    assert "users" not in text, "the user's salt and ciphertexts cannot be opened with the sandbox's passphrase"
    assert not {"secretsprovider", "encryptedkey"} & set(stack), (
        "a secrets provider of the user's would be asked for a key"
    )
    assert stack["config"]["app:plain"] == "one"
    assert stack["config"]["app:nested"]["list"][1] == "kept"


def test_a_generated_secret_is_the_same_in_every_run_and_another_for_every_path(
    project: Path, paths: SandboxPaths
) -> None:
    first, second = copied(project, paths)["config"], copied(project, paths)["config"]
    token = decrypt(paths, first["app:token"]["secure"])
    assert token == decrypt(paths, second["app:token"]["secure"]), "a changed secret would be a diff in the second run"
    assert token != decrypt(paths, first["app:nested"]["list"][0]["secure"])
    assert token.startswith("sandbox-"), "a generated value says what it is"


def test_the_copy_cannot_be_read_by_other_users(project: Path, paths: SandboxPaths) -> None:
    copied(project, paths)
    for file in (paths.project / "Pulumi.dev.yaml", paths.passphrase, paths.folder / "encryptionsalt"):
        assert file.stat().st_mode & 0o077 == 0, f"{file.name} is readable by others"


def test_the_users_files_are_left_as_they_were(project: Path, paths: SandboxPaths) -> None:
    copied(project, paths)
    assert (project / "Pulumi.dev.yaml").read_text() == STACK
    assert sorted(path.name for path in project.iterdir()) == ["Pulumi.dev.yaml", "Pulumi.yaml", "program"]


def test_the_copied_project_names_the_program_absolutely_and_no_backend(project: Path, paths: SandboxPaths) -> None:
    copied(project, paths)
    settings = yaml.safe_load((paths.project / "Pulumi.yaml").read_text())
    assert settings["main"] == str(project / "program")
    assert "backend" not in settings, "a sandbox never talks to the user's backend"


def test_a_stack_without_a_file_is_refused_with_the_names_of_those_that_have_one(
    project: Path, paths: SandboxPaths
) -> None:
    with pytest.raises(SandboxError, match=r"Pulumi\.prod\.yaml: no such file; .*one of the stacks dev") as refused:
        copy_project(read_project(project), "prod", paths)
    assert refused.value.exit_code == 2


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("name: app\nruntime: nodejs\n", "not a Python project"),
        ("name: [app\n", "not valid YAML"),
        ("- name\n", "not a mapping"),
    ],
)
def test_a_folder_that_is_no_python_project_is_refused_in_one_line(tmp_path: Path, content: str, sentence: str) -> None:
    (tmp_path / "Pulumi.yaml").write_text(content)
    with pytest.raises(SandboxError, match=sentence) as refused:
        read_project(tmp_path)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("made", "said"),
    [
        ("folder", r"Pulumi\.prod\.yaml: cannot be read: Is a directory"),
        ("link", r"Pulumi\.prod\.yaml: the link leads"),
    ],
)
def test_what_is_no_file_is_refused_in_one_line_and_never_suggested(project: Path, made: str, said: str) -> None:
    file = project / "Pulumi.prod.yaml"
    file.mkdir() if made == "folder" else file.symlink_to("nowhere")
    with pytest.raises(SandboxError, match=rf"^\S*{said}.*; write it, or name one of the stacks dev$") as refused:
        require_stack(read_project(project), "prod")
    assert refused.value.exit_code == 2


def test_a_file_in_place_of_the_project_folder_is_refused_in_one_line(project: Path) -> None:
    with pytest.raises(SandboxError, match=r"Not a directory; run the command in a Pulumi project folder"):
        read_project(project / "Pulumi.yaml")
