"""The resource provider of a simulated cloud: the engine's calls in terms of its account.

It takes the real provider's arguments, checks inputs by the installed SDK and the cloud's facts, and gives the
outputs that the real provider gives. A secret never reaches the account: it keeps a digest.
"""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from importlib.metadata import version
from typing import Any

from pulumi.runtime.proto import plugin_pb2
from typing_extensions import override

from llmplatform_sandbox.cloud import schema
from llmplatform_sandbox.cloud.account import Account
from llmplatform_sandbox.cloud.check import UNKNOWN as UNKNOWN_INPUT
from llmplatform_sandbox.cloud.check import check, check_arguments
from llmplatform_sandbox.cloud.facts import TypeFacts
from llmplatform_sandbox.cloud.requests import CloudError, NotReady, Scope
from llmplatform_sandbox.cloud.simulated import SimulatedCloud
from llmplatform_sandbox.cloud.store import Record
from llmplatform_sandbox.cloud.templates import get, put
from llmplatform_sandbox.providers.base import (
    UNKNOWN,
    Autonaming,
    Change,
    Diff,
    Failure,
    InitFailed,
    ProviderError,
    ProviderServicer,
    Secret,
    completed,
    contains_secret,
    contains_unknown,
    diff_values,
    mark_secrets,
    unwrap_secrets,
)
from llmplatform_sandbox.providers.patience import patiently

Values = dict[str, Any]
_DEFAULTED = "__defaults"
"""Where the real provider, too, notes which inputs it named itself."""


class CloudProvider(ProviderServicer):
    """`aws` or `alicloud` over a simulated account."""

    def __init__(self, cloud: Callable[[], SimulatedCloud]) -> None:
        """`cloud`: asked at each call, so that an account need not be there before a program uses its cloud."""
        super().__init__()
        self._open = cloud

    @property
    def _cloud(self) -> SimulatedCloud:
        return self._open()

    @property
    def _account(self) -> Account:
        return self._cloud.account

    @override
    def GetPluginInfo(self, request: Any, context: Any) -> Any:
        """The SDK's version: the engine warns of a provider that is older than the program's SDK."""
        return plugin_pb2.PluginInfo(version=version(f"pulumi-{self._cloud.name}"))

    # The provider resource

    @override
    def check_config(self, args: Values) -> list[Failure]:
        given = {key: _argument(value) for key, value in args.items() if key not in ("version", "pluginDownloadURL")}
        findings = [*check_arguments(self._cloud.name, _known(given)), *self._cloud.parts.arguments(given)]
        return [Failure(path, f"{path}: {reason}") for path, reason in findings]

    @override
    def configure(self, args: Values) -> None:
        self._scope(args)

    def _scope(self, args: Values) -> Scope:
        return self._cloud.parts.scope({key: _argument(unwrap_secrets(value)) for key, value in args.items()})

    # Resources

    @override
    def check(self, typ: str, olds: Values, news: Values, autonaming: Autonaming) -> tuple[Values, list[Failure]]:
        inputs = {key: value for key, value in news.items() if value is not None and key != _DEFAULTED}
        facts = self._account.facts.types.get(typ)
        if facts is not None:
            inputs |= _named(facts, olds, inputs, autonaming)
        plain = _known(unwrap_secrets(inputs))
        findings = check(self._account.facts, typ, plain, generated=inputs.get(_DEFAULTED, ()))
        if not findings:
            findings = list(self._account.behaviour(typ).check(_without_unknown(plain)))
        return inputs, [_failure(path, reason, inputs) for path, reason in findings]

    @override
    def diff(self, typ: str, id_: str, old_inputs: Values, old_outputs: Values, new_inputs: Values) -> Diff:
        facts = self._account.facts.of(typ)
        changes = diff_values(_plain_inputs(old_inputs), _plain_inputs(new_inputs))
        if "tagsAll" in old_outputs and "tags" not in {path.split(".")[0].split("[")[0] for path in changes}:
            tags = unwrap_secrets(new_inputs.get("tags"))
            after = {**self._scope(self.config).default_tags, **(tags if isinstance(tags, Mapping) else {})}
            if after != unwrap_secrets(old_outputs["tagsAll"]):
                changes["tagsAll"] = Change.UPDATE
        replaces = [path for path in changes if facts.replaces(path)]
        same_name = facts.name is not None and facts.name.property not in new_inputs.get(_DEFAULTED, ())
        keeps = facts.name is not None and facts.name.property in new_inputs and facts.name.property not in changes
        return Diff(changes=changes, replaces=replaces, delete_before_replace=bool(replaces) and same_name and keeps)

    @override
    def create(self, typ: str, urn: str, inputs: Values, preview: bool, timeout: float) -> tuple[str, Values]:
        given = _plain_inputs(inputs)
        if preview or contains_unknown(given):
            return "", self._planned(typ, given, {})
        try:
            record = patiently(
                lambda: self._account.create(typ, urn, _digested(given), self._scope(self.config)), repeatable=False
            )
        except NotReady as error:
            raise InitFailed(error.record.id, _outputs(error.record.outputs, given), [error.reason]) from error
        except (CloudError, LookupError) as error:
            raise ProviderError(str(error)) from error
        return record.id, _outputs(record.outputs, given)

    @override
    def update(
        self, typ: str, urn: str, id_: str, old_inputs: Values, old_outputs: Values, new_inputs: Values,
        preview: bool, timeout: float,
    ) -> Values:  # fmt: skip
        given = _plain_inputs(new_inputs)
        if preview or contains_unknown(given):
            whole = {key: completed(value, old_inputs.get(key), old_outputs.get(key)) for key, value in given.items()}
            return self._planned(typ, whole, old_outputs)
        try:
            record = patiently(
                lambda: self._account.update(typ, id_, _digested(given), self._scope(self.config)), repeatable=True
            )
        except NotReady as error:
            raise InitFailed(id_, _outputs(error.record.outputs, given), [error.reason]) from error
        except (CloudError, LookupError) as error:
            raise ProviderError(str(error)) from error
        return _outputs(record.outputs, given)

    @override
    def read(self, typ: str, urn: str, id_: str, inputs: Values, outputs: Values) -> tuple[str, Values, Values] | None:
        try:
            record = patiently(lambda: self._account.read(typ, id_), repeatable=True)
        except NotReady as error:
            live = _live(error.record, inputs, outputs)
            raise InitFailed(error.record.id, live[1], [error.reason], live[0]) from error
        except CloudError as error:
            raise ProviderError(str(error)) from error
        return None if record is None else (record.id, *_live(record, inputs, outputs))

    @override
    def delete(self, typ: str, urn: str, id_: str, inputs: Values, outputs: Values, timeout: float) -> None:
        try:
            patiently(lambda: self._account.delete(typ, id_), repeatable=True)
        except CloudError as error:
            raise ProviderError(str(error)) from error

    @override
    def invoke(self, token: str, args: Values) -> Values:
        raise ProviderError(
            f"{token}: no invokes; a preview has no credentials to look things up with, so write the value as a setting"
        )

    def _planned(self, typ: str, given: Values, old: Values) -> Values:
        """Outputs of a preview: what is written is known, what the cloud decides is not, unless it stays as it is."""
        facts, known = self._account.facts.of(typ), schema.resource(typ)
        planned: Values = dict(given)
        for path, value in facts.defaults.items():
            if get(planned, path) is None and not _under_unknown(planned, path):
                put(planned, path, value)
        for name in known.outputs:
            if name not in planned and name not in facts.unset:
                planned[name] = old[name] if name in old and name not in facts.increments else UNKNOWN
        for path in (path for rule in facts.makes for path in rule.outputs if "." in path):
            if get(planned, path) is None and not _under_unknown(planned, path):
                put(planned, path, UNKNOWN)
        if "tagsAll" in known.outputs:
            tags = given.get("tags") or {}
            planned["tagsAll"] = (
                UNKNOWN if not isinstance(tags, Mapping) else {**self._scope(self.config).default_tags, **tags}
            )
        optional = [
            name for name in known.inputs if name not in given and name not in old and name not in facts.defaults
        ]
        for name in optional:
            if name not in facts.computed and name != "region" and planned.get(name) is UNKNOWN:
                del planned[name]
        return planned


def _argument(value: Any) -> Any:
    """Provider arguments travel as JSON text where they are no strings."""
    if isinstance(value, str) and (value in ("true", "false") or value[:1] in "[{"):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def _known(value: Any) -> Any:
    """With the mark of check.py in place of unknown values."""
    if isinstance(value, Mapping):
        return {key: _known(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_known(inner) for inner in value]
    return UNKNOWN_INPUT if value is UNKNOWN else value


def _without_unknown(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_unknown(inner) for key, inner in value.items() if inner is not UNKNOWN_INPUT}
    if isinstance(value, list):
        return [_without_unknown(inner) for inner in value if inner is not UNKNOWN_INPUT]
    return value


def _named(facts: TypeFacts, olds: Values, inputs: Values, autonaming: Autonaming) -> Values:
    """The physical name that the provider chooses, when the program gives none."""
    naming = facts.name
    if naming is None or naming.property in inputs:
        return {}
    if (naming.prefix and naming.prefix in inputs) or (naming.written and naming.written in inputs):
        return {}
    kept = olds.get(naming.property) if naming.property in (olds.get(_DEFAULTED) or ()) else None
    name = autonaming.pick(kept)
    if name is None:
        return {}
    if not kept:
        room = naming.max - len(naming.starts)
        head, _, tail = name.rpartition("-")
        name = name if len(name) <= room else f"{head[: room - len(tail) - 1]}-{tail}"
        name = naming.starts + (name.lower() if naming.property == "bucket" else name)
    return {naming.property: name, _DEFAULTED: [naming.property]}


def _failure(path: str, reason: str, inputs: Values) -> Failure:
    top = re.split(r"[.\[]", path, maxsplit=1)[0]
    if contains_secret(inputs.get(top)):
        reason = "not a value that the cloud takes (it is secret, so it is not shown)"
    return Failure(path, f"{path}: {reason}" if path else reason)


def _plain_inputs(inputs: Values) -> Values:
    return {key: value for key, value in inputs.items() if not key.startswith("__")}


def _digested(value: Any) -> Any:
    """The account never sees a secret."""
    if isinstance(value, Secret):
        text = json.dumps(value.value, sort_keys=True, default=str)
        return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
    if isinstance(value, Mapping):
        return {key: _digested(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_digested(inner) for inner in value]
    return value


def _outputs(stored: Mapping[str, Any], given: Values) -> Values:
    """The account's outputs, with the secrets of the inputs where it keeps digests."""
    return {
        **stored,
        **{key: mark_secrets(unwrap_secrets(value), value) for key, value in given.items() if contains_secret(value)},
    }


def _live(record: Record, inputs: Values, outputs: Values) -> tuple[Values, Values]:
    """Inputs and outputs of an object as the account has it."""
    named = {_DEFAULTED: inputs[_DEFAULTED]} if _DEFAULTED in inputs else {}
    return {**_restored(record.inputs, inputs), **named}, _restored(record.outputs, outputs)


def _restored(stored: Mapping[str, Any], remembered: Values) -> Values:
    """What the account has, with the engine's own value where it is the secret that the account keeps the digest of."""
    return {
        key: remembered[key] if key in remembered and _digested(remembered[key]) == value else value
        for key, value in stored.items()
    }


def _under_unknown(values: Values, path: str) -> bool:
    parents = path.split(".")[:-1]
    return any(get(values, ".".join(parents[: n + 1])) is UNKNOWN for n in range(len(parents)))
