"""The resource provider of a simulated cloud: translates the engine's calls for its account.

It accepts the real provider's arguments, checks inputs against the installed SDK and the cloud's facts, and returns the
real provider's outputs. A secret never reaches the account: it keeps a digest.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import version
from typing import Any

from pulumi.runtime.proto import plugin_pb2
from typing_extensions import override

from llmplatform_sandbox.cloud import schema, tags
from llmplatform_sandbox.cloud.account import Account
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
    completed,
    contains_secret,
    contains_unknown,
    unwrap_secrets,
)
from llmplatform_sandbox.providers.bridge import differences, request, without_unknown
from llmplatform_sandbox.providers.cloud_values import (
    DEFAULTED,
    argument,
    digested,
    live,
    marked,
    plain_inputs,
    under_unknown,
    unmarked,
    with_secrets,
)
from llmplatform_sandbox.providers.diffs import top_level
from llmplatform_sandbox.providers.patience import patiently

Values = dict[str, Any]


class CloudProvider(ProviderServicer):
    """`aws` or `alicloud` over a simulated account."""

    def __init__(self, cloud: Callable[[], SimulatedCloud]) -> None:
        """`cloud`: called at each request, so that an account is created only when a program uses its cloud."""
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
        given = {key: argument(value) for key, value in args.items() if key not in ("version", "pluginDownloadURL")}
        findings = [*check_arguments(self._cloud.name, marked(given)), *self._cloud.parts.arguments(given)]
        return [Failure(path, f"{path}: {reason}") for path, reason in findings]

    @override
    def configure(self, args: Values) -> None:
        self._scope(args)

    def _scope(self, args: Values) -> Scope:
        return self._cloud.parts.scope({key: argument(unwrap_secrets(value)) for key, value in args.items()})

    # Resources

    @override
    def check(self, typ: str, olds: Values, news: Values, autonaming: Autonaming) -> tuple[Values, list[Failure]]:
        inputs = {key: value for key, value in news.items() if value is not None and key != DEFAULTED}
        facts = self._account.facts.types.get(typ)
        if facts is not None:
            inputs |= _named(facts, olds, inputs, autonaming)
        plain = marked(unwrap_secrets(inputs))
        findings = check(self._account.facts, typ, plain, generated=inputs.get(DEFAULTED, ()))
        if not findings:
            findings = [*self._account.behaviour(typ).check(unmarked(plain)), *self._wrong_tags(typ, unmarked(plain))]
        return inputs, [_failure(path, reason, inputs) for path, reason in findings]

    def _wrong_tags(self, typ: str, inputs: Values) -> Iterable[tuple[str, str]]:
        if "tags" not in schema.resource(typ).inputs:
            return ()
        given = inputs.get("tags")
        ours = self._scope(self.config).default_tags if "tagsAll" in schema.resource(typ).outputs else {}
        return tags.refusals(typ, {**ours, **(given if isinstance(given, Mapping) else {})})

    @override
    def diff(self, typ: str, id_: str, old_inputs: Values, old_outputs: Values, new_inputs: Values) -> Diff:
        facts = self._account.facts.of(typ)
        changes = self._differences(typ, old_inputs, old_outputs, new_inputs)
        if "tags" not in {top_level(path) for path in changes} and self._tags_differ(old_outputs, new_inputs):
            changes["tagsAll"] = Change.UPDATE
        gone = {path for path, change in changes.items() if change is Change.DELETE}
        replaces = [path for path in changes if facts.replaces(path) or path in gone & {*facts.replace_when_removed}]
        same_name = facts.name is not None and facts.name.property not in new_inputs.get(DEFAULTED, ())
        keeps = facts.name is not None and facts.name.property in new_inputs and facts.name.property not in changes
        return Diff(changes=changes, replaces=replaces, delete_before_replace=bool(replaces) and same_name and keeps)

    @override
    def create(self, typ: str, urn: str, inputs: Values, preview: bool, timeout: float) -> tuple[str, Values]:
        given = plain_inputs(inputs)
        if preview or contains_unknown(given):
            return "", self._planned(typ, given, {})
        try:
            record = patiently(
                lambda: self._account.create(typ, urn, digested(given), self._scope(self.config)), repeatable=False
            )
        except NotReady as error:
            if self._account.facts.of(typ).after_failure == "prior":
                raise ProviderError(error.reason) from error
            # Its id was set before the wait, and nothing was read (bridge, provider.go, Create).
            raise InitFailed(error.record.id, without_unknown(self._planned(typ, given, {})), [error.reason]) from error
        except (CloudError, LookupError) as error:
            raise ProviderError(str(error)) from error
        return record.id, with_secrets(self._now(record).outputs, given)

    @override
    def update(
        self, typ: str, urn: str, id_: str, old_inputs: Values, old_outputs: Values, new_inputs: Values,
        preview: bool, timeout: float,
    ) -> Values:  # fmt: skip
        given = plain_inputs(new_inputs)
        sent = request(given, old_outputs, self.ignored)
        whole = {key: completed(value, old_inputs.get(key), old_outputs.get(key)) for key, value in sent.items()}
        if preview or contains_unknown(given):
            return self._planned(typ, whole, old_outputs)
        asked = {top_level(path) for path in self._differences(typ, old_inputs, old_outputs, new_inputs)}
        if self._tags_differ(old_outputs, given):
            asked.add("tags")
        try:
            record = patiently(
                lambda: self._account.update(typ, id_, digested(sent), self._scope(self.config), asked),
                repeatable=True,
            )
        except NotReady as error:
            raise self._half_done(typ, id_, error.reason, whole, old_inputs, old_outputs) from error
        except CloudError as error:
            if self._account.facts.of(typ).after_failure == "prior":
                raise ProviderError(str(error)) from error
            raise self._half_done(typ, id_, str(error), whole, old_inputs, old_outputs) from error
        except LookupError as error:
            raise ProviderError(str(error)) from error
        return with_secrets(self._now(record).outputs, given)

    def _tags_differ(self, old_outputs: Values, inputs: Values) -> bool:
        """Whether the inputs and the provider's default tags give other tags than the state has."""
        given = unwrap_secrets(inputs.get("tags"))
        after = {**self._scope(self.config).default_tags, **(given if isinstance(given, Mapping) else {})}
        return "tagsAll" in old_outputs and after != unwrap_secrets(old_outputs["tagsAll"])

    def _half_done(
        self, typ: str, id_: str, reason: str, whole: Values, old_inputs: Values, old_outputs: Values
    ) -> InitFailed:
        """A failed update leaves the planned state, however much of it was done (bridge, provider.go, Update)."""
        dropped = {name for name in old_inputs if name not in whole}
        kept = {name: value for name, value in old_outputs.items() if name not in dropped}
        return InitFailed(id_, without_unknown(self._planned(typ, whole, kept)), [reason])

    def _differences(self, typ: str, old_inputs: Values, old_outputs: Values, new_inputs: Values) -> dict[str, Change]:
        return differences(
            schema.resource(typ).inputs,
            old_outputs,
            plain_inputs(old_inputs),
            plain_inputs(new_inputs),
            computed=self._account.facts.of(typ).computed,
            ignored=self.ignored,
        )

    def _now(self, record: Record) -> Record:
        """Every create and update of the real providers ends with a read."""
        return self._account.behaviour(record.type).live(self._account, record)

    @override
    def read(self, typ: str, urn: str, id_: str, inputs: Values, outputs: Values) -> tuple[str, Values, Values] | None:
        try:
            record = patiently(lambda: self._account.read(typ, id_), repeatable=True)
        except NotReady as error:
            now = live(error.record, inputs, outputs)
            raise InitFailed(error.record.id, now[1], [error.reason], now[0]) from error
        except CloudError as error:
            raise ProviderError(str(error)) from error
        return None if record is None else (record.id, *live(record, inputs, outputs))

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
        """Outputs of a preview: written values are known, the cloud's own are not, unless they stay the same."""
        facts, known = self._account.facts.of(typ), schema.resource(typ)
        planned: Values = dict(given)
        for path, value in facts.defaults.items():
            if get(planned, path) is None and not under_unknown(planned, path):
                put(planned, path, value)
        for name in known.outputs:
            if name not in planned and name not in facts.unset:
                planned[name] = old[name] if name in old and name not in facts.increments else UNKNOWN
        for path in (path for rule in facts.makes for path in rule.outputs if "." in path):
            if get(planned, path) is None and not under_unknown(planned, path):
                put(planned, path, UNKNOWN)
        if "tagsAll" in known.outputs:
            own = given.get("tags") or {}
            planned["tagsAll"] = (
                UNKNOWN if not isinstance(own, Mapping) else {**self._scope(self.config).default_tags, **own}
            )
        optional = [
            name for name in known.inputs if name not in given and name not in old and name not in facts.defaults
        ]
        for name in optional:
            if name not in facts.computed and name != "region" and planned.get(name) is UNKNOWN:
                del planned[name]
        return planned


def _named(facts: TypeFacts, olds: Values, inputs: Values, autonaming: Autonaming) -> Values:
    """The provider's own choice of a physical name, if the program gives none."""
    naming = facts.name
    if naming is None or naming.property in inputs:
        return {}
    if (naming.prefix and naming.prefix in inputs) or (naming.written and naming.written in inputs):
        return {}
    kept = olds.get(naming.property) if naming.property in (olds.get(DEFAULTED) or ()) else None
    name = autonaming.pick(kept)
    if name is None:
        return {}
    if not kept:
        room = naming.max - len(naming.starts)
        head, _, tail = name.rpartition("-")
        name = name if len(name) <= room else f"{head[: room - len(tail) - 1]}-{tail}"
        name = naming.starts + (name.lower() if naming.property == "bucket" else name)
    return {naming.property: name, DEFAULTED: [naming.property]}


def _failure(path: str, reason: str, inputs: Values) -> Failure:
    top = re.split(r"[.\[]", path, maxsplit=1)[0]
    if contains_secret(inputs.get(top)):
        reason = "not a value that the cloud takes (it is secret, so it is not shown)"
    return Failure(path, f"{path}: {reason}" if path else reason)
