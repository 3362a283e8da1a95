"""Converts values of a simulated cloud's resources between the engine and the account."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from llmplatform_sandbox.cloud.check import UNKNOWN as UNKNOWN_INPUT
from llmplatform_sandbox.cloud.store import Record
from llmplatform_sandbox.cloud.templates import get
from llmplatform_sandbox.providers.bridge import refreshed
from llmplatform_sandbox.providers.values import UNKNOWN, Secret, contains_secret, mark_secrets, unwrap_secrets

Values = dict[str, Any]
DEFAULTED = "__defaults"
"""Key under which the real provider, too, lists inputs that it named itself."""


def argument(value: Any) -> Any:
    """Provider arguments travel as JSON text unless they are strings."""
    if isinstance(value, str) and (value in ("true", "false") or value[:1] in "[{"):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def marked(value: Any) -> Any:
    """Unknown values replaced by the mark of check.py."""
    if isinstance(value, Mapping):
        return {key: marked(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [marked(inner) for inner in value]
    return UNKNOWN_INPUT if value is UNKNOWN else value


def unmarked(value: Any) -> Any:
    """Without a preview's unknown values."""
    if isinstance(value, Mapping):
        return {key: unmarked(inner) for key, inner in value.items() if inner is not UNKNOWN_INPUT}
    if isinstance(value, list):
        return [unmarked(inner) for inner in value if inner is not UNKNOWN_INPUT]
    return value


def plain_inputs(inputs: Values) -> Values:
    """Without the bridge's own notes."""
    return {key: value for key, value in inputs.items() if not key.startswith("__")}


def digested(value: Any) -> Any:
    """The account never sees a secret."""
    if isinstance(value, Secret):
        text = json.dumps(value.value, sort_keys=True, default=str)
        return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
    if isinstance(value, Mapping):
        return {key: digested(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [digested(inner) for inner in value]
    return value


def with_secrets(stored: Mapping[str, Any], given: Values) -> Values:
    """The account's outputs, with the secrets of the inputs where it keeps digests."""
    return {
        **stored,
        **{key: mark_secrets(unwrap_secrets(value), value) for key, value in given.items() if contains_secret(value)},
    }


def live(record: Record, inputs: Values, outputs: Values) -> tuple[Values, Values]:
    """Inputs and outputs of an object as the account has it."""
    named = {DEFAULTED: inputs[DEFAULTED]} if DEFAULTED in inputs else {}
    now = _restored(record.outputs, outputs)
    known = plain_inputs(inputs)
    # An imported object gets the inputs of its create; a refresh changes the existing ones.
    return {**(refreshed(known, now) if known else _restored(record.inputs, inputs)), **named}, now


def _restored(stored: Mapping[str, Any], remembered: Values) -> Values:
    """The account's value, replaced by the engine's own if that is the secret of the account's digest."""
    return {
        key: remembered[key] if key in remembered and digested(remembered[key]) == value else value
        for key, value in stored.items()
    }


def under_unknown(values: Values, path: str) -> bool:
    """Whether an object on a path is itself unknown."""
    parents = path.split(".")[:-1]
    return any(get(values, ".".join(parents[: n + 1])) is UNKNOWN for n in range(len(parents)))
