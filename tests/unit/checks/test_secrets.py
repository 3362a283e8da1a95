"""Secrets in clear text: every kind, at every place, and never repeated."""

import base64
from pathlib import Path

import pytest

from llmplatform.checks import check_stack_file

DEV = Path(__file__).parents[3] / "Pulumi.dev.yaml"

LETTERS, DIGITS = "AbCdEfGhIjKlMnOpQrStUvWxYz", "0123456789"
TOKENS = {
    "Hugging Face": "hf_" + LETTERS + DIGITS,
    "AWS access key": "AKIA" + LETTERS.upper()[:16],
    "AWS secret key": ("wJ" + LETTERS + "/K7" + DIGITS)[:40],
    "Alibaba Cloud": "LTAI5t" + LETTERS[:18],
    "Alibaba Cloud session": "STS.NU" + LETTERS,
    "OpenAI": "sk-" + LETTERS,
    "Google": "AIza" + (LETTERS + DIGITS)[:35],
    "NVIDIA": "nvapi-" + LETTERS,
    "GitHub": "ghp_" + LETTERS + DIGITS,
    "GitHub, fine-grained": "github_pat_" + LETTERS,
    "GitLab": "glpat-" + LETTERS,
    "Slack": "xoxb-" + DIGITS + LETTERS,
    "npm": "npm_" + LETTERS + DIGITS,
    "Docker": "dckr_pat_" + LETTERS,
    "Pulumi": "pul-" + (DIGITS * 4),
    "JWT": f"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.{LETTERS}",
    "Slack's webhook": "https://hooks.slack.com/services/T0000/B0000/" + LETTERS,
    "Teams' webhook": "https://acme.webhook.office.com/webhookb2/" + LETTERS,
    "DingTalk's webhook": "https://oapi.dingtalk.com/robot/send?access_token=" + LETTERS,
    "WeCom's webhook": "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=" + LETTERS,
    "Feishu's webhook": "https://open.feishu.cn/open-apis/bot/v2/hook/" + LETTERS,
    "password": "https://user:" + LETTERS + "@hub.example.org",
    "token for a user": "oci://" + LETTERS + "@registry.example.org",
    "private key": "-----BEGIN RSA PRIVATE KEY----- " + LETTERS,
    "private key in base64": base64.b64encode(b"-----BEGIN EC PRIVATE KEY-----\n" + LETTERS.encode() * 3).decode(),
    "kubeconfig": "users: [{user: {token: " + LETTERS + "}}]",
}
"""Source: the documentation of the services that issue them, and gitleaks' rules."""
PLACES = {
    "a tag": "  llmplatform:tags: {{t: '{0}'}}\n",
    "a key": "  llmplatform:tags: {{'{0}': x}}\n",
    "a key of Pulumi's own": "  pulumi:x: {{y: ['{0}']}}\n",
    "a provider's setting": "  kubernetes:kubeconfig: '{0}'\n",
    "a comment": "  # was: {0}\n",
    "beside the settings": "environment: {{values: {{t: '{0}'}}}}\n",
    "the salt": "encryptionsalt: '{0}'\n",
    "below secure": "  llmplatform:secrets: {{huggingface_token: {{secure: '{0}'}}}}\n",
    "below secure of a provider": "  aws:accessKey: {{secure: '{0}'}}\n",
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("kind", TOKENS)
def test_a_secret_in_clear_text_is_seen_and_not_repeated(kind: str, place: str, tmp_path: Path) -> None:
    path, token = tmp_path / DEV.name, TOKENS[kind]
    path.write_text(DEV.read_text(encoding="utf-8") + PLACES[place].format(token), encoding="utf-8")
    lines = check_stack_file(path)
    assert lines, f"{kind} in {place}: what is committed is leaked"
    secret = LETTERS if LETTERS in token else token
    assert not any(secret in line for line in lines), "error lines end in logs"


@pytest.mark.parametrize(
    "text",
    [
        "b968826d9c46dd6066d109eabc6255188de91218",
        "Qwen/Qwen3-235B-A22B-Instruct-2507",
        "arn:aws:iam::111122223333:role/platform-admin",
        "https://wiki.example.org/a?page=12",
        "risk-assessment-of-the-platform-team",
        "docker.io/vllm/vllm-openai:v0.33.0@sha256:" + "0123456789abcdef" * 4,
        "aliyun_3_x64_20G_container_optimized_20260801.vhd",
    ],
)
def test_what_only_looks_long_is_no_secret(text: str, tmp_path: Path) -> None:
    path = tmp_path / DEV.name
    path.write_text(DEV.read_text(encoding="utf-8") + f"  # {text}\n  pulumi:x: '{text}'\n", encoding="utf-8")
    assert check_stack_file(path) == []
