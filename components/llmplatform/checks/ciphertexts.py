"""Checks that values below `secure:` are ciphertexts of Pulumi: a token in clear text is the likeliest mistake.

Source: pulumi/pulumi, sdk/go/common/resource/config/crypt.go: a key of the stack's own writes `v1:NONCE:CIPHERTEXT`, in
base64, with 12 bytes of nonce and 16 more than the text has; Pulumi's service writes base64 alone.
"""

import base64
import binascii
from collections.abc import Iterator, Mapping, Sequence
from typing import cast

from llmplatform.checks import secret_forms
from llmplatform.checks.cleartext import ENCRYPT
from llmplatform.checks.problems import Problem

PLACEHOLDER = "v1:replace:this"
"""Placeholder for your own secret in example files. The sandbox replaces it with a generated value."""

_NONCE, _SEAL, _SHORTEST = 12, 16, 8
"""Bytes that encryption adds, and the shortest secret."""


def malformed(path: str, value: object) -> Iterator[Problem]:
    """Every value below `secure` that is not a ciphertext of Pulumi."""
    for place, name, text in _secure(path, value):
        if name and text != PLACEHOLDER and not _is_ciphertext(text):
            remedy = f"revoke it, and {ENCRYPT}{name}'" if path == "secrets" else "revoke it, and remove it"
            yield Problem(place, "what stands here is no encrypted value, so that it is in clear text", remedy)


def placeholders(path: str, value: object) -> Iterator[Problem]:
    """Every placeholder of a secret: `pulumi up` cannot decrypt it."""
    for place, name, text in _secure(path, value):
        if text == PLACEHOLDER:
            yield Problem(place, f"'{PLACEHOLDER}' stands for a secret of yours", f"{ENCRYPT}{name}'")


def _secure(path: str, value: object, name: str = "") -> Iterator[tuple[str, str, str]]:
    if isinstance(value, Mapping):
        for key, each in cast(Mapping[object, object], value).items():
            if key == "secure" and isinstance(each, str) and each:
                yield f"{path}.secure", name, each
            yield from _secure(f"{path}.{key}", each, str(key))
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for index, each in enumerate(cast(Sequence[object], value)):
            yield from _secure(f"{path}[{index}]", each, name)


def _is_ciphertext(text: str) -> bool:
    version, _, rest = text.partition(":")
    if rest:
        nonce, _, sealed = rest.partition(":")
        return version == "v1" and len(_bytes(nonce)) == _NONCE and len(_bytes(sealed)) > _SEAL
    opened = _bytes(text)
    return len(opened) >= _NONCE + _SEAL + _SHORTEST and not opened.isascii() and not secret_forms.kind_of(text)


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        return b""
