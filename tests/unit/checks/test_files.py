"""Files that hold no settings, and secrets that stand in them."""

from pathlib import Path

import pytest

from llmplatform.checks import check_stack_file

DEV = Path(__file__).parents[3] / "Pulumi.dev.yaml"
SEALED = "v1:kOliKRaUlB7Jv0XM:3C/gNxASd6IuDYGhEXsyFUHYdyaRng=="
"""As Pulumi's own command has written it."""


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("", "it.yaml: the file is empty; start from Pulumi.dev.yaml"),
        ("- a\n", "it.yaml: the file is not a group of keys; write the settings below 'config:'"),
        ("konfig: {}\n", "it.yaml: there is no 'config:' key; rename 'konfig:' to 'config:'"),
        (
            "config: 3\n",
            "it.yaml: 'config:' is not a group of keys; write 'llmplatform:environment:' and so on below it",
        ),
        (
            "config:\n  aws:region: us-east-1\n",
            (
                "it.yaml: there is no 'llmplatform:' key below 'config:'; add 'llmplatform:environment:' and "
                "the other sections"
            ),
        ),
        (
            """config:\n  a: [--x={"b": 1}]\n""",
            (
                """it.yaml: line 2, column 11: did not find expected ',' or ']'; """
                """put the flag in quotes: '--flag={"key": 1}'"""
            ),
        ),
        ("config:\n  a: [\n", "it.yaml: line 3, column 1: did not find expected node content; correct the YAML there"),
        ("config: !!python/object:os.system {}\n", None),
        (
            'config: {"llmplatform:pools": &a [*a]}\n',
            "it.yaml: line 1, column 31: a value contains itself; write it out instead of using an alias",
        ),
    ],
)
def test_a_file_that_holds_no_settings_is_told_in_one_line(content: str, line: str | None, tmp_path: Path) -> None:
    path = tmp_path / "it.yaml"
    path.write_text(content, encoding="utf-8")
    lines = check_stack_file(path)
    assert len(lines) == 1, "one mistake is one line, without a traceback"
    assert line is None or lines == [line]


def test_a_file_that_is_not_there_names_the_nearest_one(tmp_path: Path) -> None:
    for name in ("dev", "prod"):
        (tmp_path / f"Pulumi.{name}.yaml").touch()
    (tmp_path / "Pulumi.folder.yaml").mkdir()
    (tmp_path / "Pulumi.link.yaml").symlink_to("nowhere")
    told = {
        "Pulumi.deev.yaml": "cannot be read: No such file or directory; did you mean 'Pulumi.dev.yaml'?",
        "Pulumi.nosuch.yaml": "cannot be read: No such file or directory; "
        "write it, or use 'Pulumi.dev.yaml' or 'Pulumi.prod.yaml'",
        "Pulumi.folder.yaml": "it is a folder; name a stack, or the file of one",
        "Pulumi.link.yaml": "the link leads nowhere; point it to a file, or remove it",
        "no/Pulumi.dev.yaml": f"there is no folder '{tmp_path / 'no'}'; name the folder of Pulumi.yaml with --project",
    }
    for name, fault in told.items():
        assert check_stack_file(tmp_path / name) == [f"{tmp_path / name}: {fault}"]


def test_a_file_that_is_not_text_is_told(tmp_path: Path) -> None:
    (tmp_path / "it.yaml").write_bytes(b"\xff\xfe\x00")
    assert check_stack_file(tmp_path / "it.yaml") == ["it.yaml: it is not text; save it as UTF-8"]


SECRETS = (
    "hf_" + "a1" * 12,
    "https://hooks.slack.com/services/T0/B0/" + "x" * 9,
    "https://me:" + "hunter2@example.org",
    "AKIA" + "ABCDEFGH12345678",
    "sk-" + "x9" * 12,
    "ghp_" + "Z3" * 12,
)


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize(
    "place", ["      host: llm.dev.example.org", "    owner: platform-team", "      source: Qwen/Qwen3-8B"]
)
def test_a_token_is_found_wherever_it_stands_and_never_repeated(secret: str, place: str, tmp_path: Path) -> None:
    key = place.partition(":")[0]
    path = tmp_path / DEV.name
    path.write_text(DEV.read_text(encoding="utf-8").replace(place, f"{key}: {secret}"), encoding="utf-8")
    lines = check_stack_file(path)
    assert any("in clear text" in line for line in lines), "a token in a file that is committed is a leak"
    assert not any(secret in line for line in lines), "error lines end in logs"


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize(
    "line",
    [
        "config:\n  '{}': x\n",
        "config:\n  aws:{}: x\n",
        "'{}': x\nconfig:\n",
        "config:\n  pulumi:tags: {{a: ['{}']}}\n",
        "config:\n  llmplatform:tags: {{'{}': x}}\n",
        "config:\n  llmplatform:models: {{'{}': {{source: a/b}}}}\n",
        "config:\n  llmplatform:tags: {{'{0}': x, '{0}': y}}\n",
    ],
)
def test_a_token_in_a_key_or_beside_our_settings_is_never_repeated(secret: str, line: str, tmp_path: Path) -> None:
    path = tmp_path / DEV.name
    path.write_text(DEV.read_text(encoding="utf-8").replace("config:\n", line.format(secret)), encoding="utf-8")
    lines = check_stack_file(path)
    assert lines, "a token in a file that is committed is a leak"
    assert not any(secret in line for line in lines), "error lines end in logs"


@pytest.mark.parametrize(
    "line",
    [
        "aws:region: us-east-1",
        f"aws:token: {{secure: {SEALED}}}",
        "aws:defaultTags: {tags: {contact: team@example.org, wiki: 'https://wiki.example.org:8443/a'}}",
        f"alicloud:secretKey: {{secure: {SEALED}}}",
        "other:registry: oci://registry.example.org:5000/team/vllm@sha256:0123",
        "llmplatform:mirrors: {charts: {'oci://ghcr.io': 'oci://registry.example.org:5000/ghcr.io'}}",
        "llmplatform:tags: {contact: team@example.org, wiki: 'https://wiki.example.org:8443/a@b'}",
    ],
)
def test_what_is_no_secret_or_is_encrypted_is_left_alone(line: str, tmp_path: Path) -> None:
    path = tmp_path / DEV.name
    path.write_text(DEV.read_text(encoding="utf-8") + f"  {line}\n", encoding="utf-8")
    assert check_stack_file(path) == []


def test_a_secret_in_clear_text_is_refused_with_the_command_that_encrypts_it(tmp_path: Path) -> None:
    path = tmp_path / DEV.name
    text = DEV.read_text(encoding="utf-8") + "  llmplatform:secrets:\n    huggingface_token: plain-words\n"
    path.write_text(text, encoding="utf-8")
    assert check_stack_file(path) == [
        (
            "secrets.huggingface_token: the secret is in clear text; revoke it, and run pulumi config set "
            "--secret --path "
            "'llmplatform:secrets.huggingface_token'"
        )
    ]


def test_an_encrypted_secret_is_taken(tmp_path: Path) -> None:
    path = tmp_path / DEV.name
    text = DEV.read_text(encoding="utf-8").replace("      pool: gpu\n", "      pool: gpu\n      gated: true\n")
    text += "  llmplatform:secrets:\n    huggingface_token:\n      secure: " + SEALED
    path.write_text(text, encoding="utf-8")
    assert check_stack_file(path) == []


@pytest.mark.parametrize(
    ("section", "lines"),
    [
        (
            "{huggingface_tokn: 123}",
            [
                "secrets.huggingface_tokn: unknown key 'huggingface_tokn'; did you mean 'huggingface_token'?",
                (
                    "secrets.huggingface_tokn: the secret is in clear text; revoke it, and run pulumi "
                    "config set --secret "
                    "--path 'llmplatform:secrets.huggingface_tokn'"
                ),
            ],
        ),
        (
            "{secure: AAAB}",
            [
                (
                    "secrets.secure: unknown key 'secure'; remove it; the keys here are 'huggingface_token', "
                    "'registry_password', 'alert_receiver', 'alert_pages', 'alert_heartbeat', "
                    "'mlflow_database_password' and 'cache_password'"
                ),
                (
                    "secrets: the section is encrypted as a whole; remove it, and run pulumi config set --secret "
                    "--path 'llmplatform:secrets.huggingface_token'"
                ),
            ],
        ),
        (
            "plain-words",
            [
                (
                    "secrets: a secret is in clear text; revoke it, and run pulumi config set --secret --path "
                    "'llmplatform:secrets.huggingface_token'"
                )
            ],
        ),
    ],
)
def test_a_wrong_section_of_secrets_is_told(section: str, lines: list[str], tmp_path: Path) -> None:
    path = tmp_path / DEV.name
    path.write_text(DEV.read_text(encoding="utf-8") + f"  llmplatform:secrets: {section}\n", encoding="utf-8")
    assert check_stack_file(path) == lines


def test_a_secret_that_is_not_set_is_no_secret(tmp_path: Path) -> None:
    path = tmp_path / DEV.name
    settings = "  llmplatform:secrets: {huggingface_token: null, alert_receiver: ~}\n"
    path.write_text(DEV.read_text(encoding="utf-8") + settings, encoding="utf-8")
    assert check_stack_file(path) == []


def test_a_section_of_settings_is_not_taken_for_the_one_of_pulumi_that_is_called_alike(tmp_path: Path) -> None:
    path = tmp_path / DEV.name
    text = DEV.read_text(encoding="utf-8")
    path.write_text(text.replace("config:\n", "environment: [esc-of-a-team]\nconfig:\n", 1), encoding="utf-8")
    assert check_stack_file(path) == [], "a list of environments of Pulumi ESC"
