"""Patterns of secrets, by the prefixes and lengths that their issuers publish.

Source: gitleaks' rules (config/gitleaks.toml), and the pages of GitHub, GitLab, Slack, Google, npm, Docker, Pulumi and
NVIDIA on their tokens' forms; webhooks: the pages of Slack, Microsoft Teams, Discord, DingTalk, WeCom and Feishu.
"""

import base64
import binascii
import re
from collections.abc import Iterator

_FORMS = {
    "a Hugging Face token": r"\b(hf_|api_org_)[A-Za-z0-9]{16,}",
    "an AWS access key": r"\b(AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b",
    "an AWS secret key": (
        r"(?<![\w/+=-])(?=\S{0,39}[A-Z])(?=\S{0,39}[a-z])(?=\S{0,39}\d)(?![0-9a-fA-F]{40})[A-Za-z0-9/+]{40}(?![\w/+=-])"
    ),
    "an Alibaba Cloud access key": r"\bLTAI[A-Za-z0-9]{12,26}\b",
    "an Alibaba Cloud session": r"\bSTS\.[A-Za-z0-9]{16,}",
    "an API key": r"\bsk-[A-Za-z0-9_-]{16,}",
    "a Google API key": r"\bAIza[\w-]{35}\b",
    "an NVIDIA API key": r"\bnvapi-[\w-]{20,}",
    "a GitHub token": r"\b(gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,})",
    "a GitLab token": r"\bgl(pat|ptt|dt|rt|cbt|ft|oas|soat|imt|agent)-[\w-]{20,}",
    "a Slack token": r"\bxox[abeoprs]-[\w-]{10,}|\bxapp-\d-[\w-]{10,}",
    "an npm token": r"\bnpm_[A-Za-z0-9]{36}\b",
    "a Docker token": r"\bdckr_(pat|oat)_[\w-]{20,}",
    "a Pulumi token": r"\bpul-[0-9a-f]{40}\b",
    "a PyPI token": r"\bpypi-[\w-]{50,}",
    "a token (JWT)": r"\bey[A-Za-z0-9_-]{10,}\.ey[A-Za-z0-9_-]{10,}\.[\w-]{10,}",
    "a private key": r"-----BEGIN [A-Z ]*PRIVATE KEY( BLOCK)?-----[^'\"]*",
    "credentials of a cluster": r"\b(client-key-data|token)[\"']?: *[\"']?[\w+/=.-]{16,}",
    "a Slack webhook": r"\bhooks\.slack\.com/(services|workflows|triggers)/[\w/-]+",
    "a webhook": (
        r"\b[\w-]+\.webhook\.office\.com/\S+"
        r"|\bdiscord(app)?\.com/api/webhooks/\S+|\bopen\.(feishu\.cn|larksuite\.com)/open-apis/bot/\S+"
    ),
    "a password in an address": r"(?<=://)([^/\s:@\"',]*:[^/\s@\"',]+|[\w.~%+-]{16,})(?=@)",
    "a token in an address": (
        r"(?<=[?&])(access_?token|token|api_?key|key|secret|password|passwd|pwd|auth|sig|signature)=[^\s&\"']{8,}"
    ),
}
FORMS = {kind: re.compile(form, re.ASCII) for kind, form in _FORMS.items()}
"""Name of each kind, with its pattern."""

_BASE64 = re.compile(r"LS0tLS1CRUdJTi[A-Za-z0-9+/]{20,}", re.ASCII)
"""`-----BEGIN ` as base64."""
_SHORTEST = 8
_LONGEST = 100_000
"""Characters of one text to search; a file's text is not much longer."""


def kind_of(text: str) -> str | None:
    """The kind of secret that a text looks like; None if it does not."""
    if len(text) < _SHORTEST:
        return None
    text = text[:_LONGEST]
    return next((kind for kind, form in FORMS.items() if form.search(text)), None) or _within_base64(text)


def _within_base64(text: str) -> str | None:
    return next((kind for found in _BASE64.finditer(text) for kind in _opened(found[0])), None)


def _opened(text: str) -> Iterator[str]:
    try:
        opened = base64.b64decode(text[: len(text) // 4 * 4]).decode("ascii", errors="ignore")
    except binascii.Error:
        return
    if FORMS["a private key"].search(opened):
        yield "a private key"


def without(text: str) -> str:
    """The text without any secret in it."""
    for form in FORMS.values():
        text = form.sub("…", text)
    return _BASE64.sub("…", text)
