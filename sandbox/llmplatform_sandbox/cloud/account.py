"""The objects of a simulated account: create, change, read and delete by the rules of facts.toml.

Create is never idempotent: the same request twice makes two objects, or collides on a unique name, as in the cloud.
"""

import json
import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from typing import Any

from llmplatform_sandbox.cloud import schema
from llmplatform_sandbox.cloud.behaviour import Behaviour, Plain
from llmplatform_sandbox.cloud.facts import CloudFacts, Makes, TypeFacts, find
from llmplatform_sandbox.cloud.faults import Faults
from llmplatform_sandbox.cloud.late import Late
from llmplatform_sandbox.cloud.requests import CloudError, NotReady, Scope
from llmplatform_sandbox.cloud.rules import Rules, kind_of, nowhere
from llmplatform_sandbox.cloud.store import Record, Store
from llmplatform_sandbox.cloud.templates import get, put, render, with_cloud_made
from llmplatform_sandbox.cloud.unfinished import Unfinished

BEFORE = "before the stack"
"""Maker of objects that exist before any stack; see the sandbox's `seed`."""


class Account:
    """The account's API. Thread-safe."""

    def __init__(
        self, store: Store, facts: CloudFacts, faults: Faults, behaviours: Mapping[str, Behaviour], settle: float = 8.0
    ) -> None:
        """`settle`: seconds that a deletion waits for dependent objects; real providers wait minutes."""
        self.store, self.facts, self.faults = store, facts, faults
        self._behaviours, self._settle, self._plain = behaviours, settle, Plain()
        self._rules = Rules(store, facts)
        self._unfinished, self.late = Unfinished(store), Late(store)

    def behaviour(self, type_: str) -> Behaviour:
        """The hooks of a type."""
        return self._behaviours.get(type_, self._plain)

    @property
    def scope(self) -> Scope:
        """The scope of the program's latest request, which the cloud's own actions use, too."""
        return Scope(**json.loads(self.store.setting("scope", '{"region": "us-east-1"}')))

    def create(
        self, type_: str, made_by: str, inputs: Mapping[str, Any], scope: Scope, owner: str = "", *, id_: str = ""
    ) -> Record:
        """Make an object. Raises CloudError, or NotReady once it exists. `id_`: of one that the cloud already has."""
        self.catch_up()
        with self.faults.call("create", type_, made_by):
            with self.store.transaction():
                self.store.set("scope", json.dumps(asdict(replace(scope, default_tags={}))))
                record = self._add(type_, made_by, inputs, scope, owner, id_)
                self._unfinished.begin(record, None)
            return self._finish(record)

    def catch_up(self) -> None:
        """Make the cloud's own actions happen whose time has come."""
        for type_, made_by, inputs in self.late.due():
            # It is void if another object was made meanwhile.
            with suppress(CloudError):
                self.create(type_, made_by, inputs, self.scope)

    def amend(self, record: Record, outputs: Mapping[str, Any]) -> Record:
        """Set outputs, by path, of an existing object."""
        with self.store.transaction():
            current = self.store.get(record.type, record.id) or record
            merged = dict(current.outputs)
            for path, value in outputs.items():
                put(merged, path, value)
            amended = replace(current, outputs=merged)
            self.store.change(amended)
            return amended

    def update(
        self,
        type_: str,
        id_: str,
        inputs: Mapping[str, Any],
        scope: Scope,
        asked: Collection[str] | None = None,
    ) -> Record:
        """Change an object in place. Without `asked`, the difference from the present inputs.

        `asked`: the properties that the request names. They are set to the sent values, whatever they are now, and all
        others stay: if none is named, no request is sent.
        """
        facts = self.facts.of(type_)
        self._resume(type_, id_)
        with self.faults.call("update", type_, id_):
            with self.store.transaction():
                old = self.store.get(type_, id_)
                if old is None:
                    raise CloudError(render(facts.missing, {"value": id_}, nowhere))
                if asked is None:
                    asked = {name for name in {*old.inputs, *inputs} if old.inputs.get(name) != inputs.get(name)}
                if not asked:
                    return old
                old = self.behaviour(type_).live(self, old)
                untouched = {name: value for name, value in old.inputs.items() if name not in asked}
                inputs = {**untouched, **{name: value for name, value in inputs.items() if name in asked}}
                self.behaviour(type_).updating(self, old, inputs)
                given = schema.inputs(type_)
                kept = {
                    key: value
                    for key, value in old.outputs.items()
                    if key not in given or key not in old.inputs or key in facts.computed
                }
                changed = {
                    key: with_cloud_made(old.outputs.get(key), old.inputs.get(key), value)
                    for key, value in inputs.items()
                }
                outputs = self._with_defaults(facts, type_, {**kept, **changed}, scope)
                if set(asked) - set(facts.uncounted):
                    outputs |= {name: old.outputs.get(name, 0) + 1 for name in facts.increments}
                new = replace(old, inputs=dict(inputs), outputs=outputs)
                self._rules.refuse_duplicates(facts, new)
                self.store.change(new, self._rules.links(facts, inputs))
                new = self._remake(facts, old, new, scope)
                self._unfinished.begin(new, old)
            return self._finish(new)

    def read(self, type_: str, id_: str) -> Record | None:
        """The present object; None if it is gone. Raises NotReady if an accepted request failed."""
        self._resume(type_, id_)
        with self.faults.call("read", type_, id_):
            record = self.store.get(type_, id_)
            return None if record is None else self.behaviour(type_).live(self, record)

    def delete(self, type_: str, id_: str) -> None:
        """Remove an object and all that it owns; a missing object is success.

        Raises CloudError with the dependent object.
        """
        facts = self.facts.of(type_)
        with self.faults.call("delete", type_, id_):
            deadline = time.monotonic() + self._settle
            while (record := self.store.get(type_, id_)) is not None:
                if facts.protected_by and record.outputs.get(facts.protected_by):
                    raise CloudError(
                        f"InvalidRequestException: {id_} is protected; set {facts.protected_by} to false first"
                    )
                blockers = self._rules.blockers(record)
                if not blockers:
                    self.behaviour(type_).deleting(self, record)
                    with self.store.transaction():
                        blockers = self._rules.blockers(record)
                        if not blockers:
                            self.remove_tree(record)
                            self._note_kept(facts, record)
                            return
                if time.monotonic() > deadline:
                    names = "; ".join(self._rules.named(one) for one in blockers)
                    values = {**record.outputs, "id": id_, "type": kind_of(type_)}
                    raise CloudError(f"{render(facts.in_use, values, nowhere)}: {names}")
                time.sleep(0.2)

    def _resume(self, type_: str, id_: str) -> None:
        """Continue what was accepted before a kill: a cloud does not stop when its caller does."""
        record = self.store.get(type_, id_)
        if record is not None and self._unfinished.under_way(record):
            self._finish(record)

    def _finish(self, record: Record) -> Record:
        """The slow part of a create or update. After a kill it runs again from its beginning."""
        behaviour, before = self.behaviour(record.type), self._unfinished.before(record)
        try:
            if before is None:
                record = self.amend(record, behaviour.created(self, record))
            else:
                behaviour.updated(self, before, record)
        except CloudError as error:
            if before is None:
                raise NotReady(self.store.get(record.type, record.id) or record, str(error)) from error
            self.store.change(before, self._rules.links(self.facts.of(before.type), before.inputs))
            raise
        finally:
            # Not after a kill, which runs nothing: an error is the cloud's answer, and ends the request.
            self._unfinished.end(record)
        return self.store.get(record.type, record.id) or record

    def kept(self) -> list[str]:
        """Deleted objects that the cloud keeps by design, a sentence each."""
        return json.loads(self.store.setting("kept", "[]"))

    def _note_kept(self, facts: TypeFacts, record: Record) -> None:
        if facts.kept:
            sentence = render(facts.kept, {**record.outputs, "id": record.id}, nowhere)
            self.store.set("kept", json.dumps([*self.kept(), f"{kind_of(record.type)} {record.id}: {sentence}"]))

    def remove_tree(self, record: Record) -> None:
        """Remove an object with what it owns and what cannot exist without it.

        An owned object that others need stays, as an orphan of the account.
        """
        with self.store.transaction():
            for owned in self.store.owned(record.key):
                if not self._rules.blockers(owned, within=record):
                    self.remove_tree(owned)
            for dependent in self.store.referrers(record, "cascade"):
                self.remove_tree(dependent)
            self._unfinished.end(record)
            self.store.remove(record)

    # Making

    def _add(
        self, type_: str, made_by: str, inputs: Mapping[str, Any], scope: Scope, owner: str, id_: str = ""
    ) -> Record:
        facts = self.facts.of(type_)
        links = self._rules.links(facts, inputs)
        self._rules.refuse_above_quota(facts, type_, inputs)
        self.behaviour(type_).creating(self, inputs)
        outputs = self._with_defaults(facts, type_, dict(inputs), scope)
        values: dict[str, Any] = {**asdict(scope), **outputs, "serial": self.store.next_serial()}
        follow = self._rules.follower(facts, values)
        late: dict[str, Any] = {}
        for path, template in facts.computed.items():
            if get(outputs, path) is None and "{id}" in json.dumps(template):
                late[path] = template
            elif get(outputs, path) is None:
                rendered = render(template, values, follow)
                put(outputs, path, rendered)
                put(values, path, rendered)
        id_ = id_ or str(render(facts.id, values, follow))
        values["id"] = id_
        for path, template in late.items():
            rendered = render(template, values, follow)
            put(outputs, path, rendered)
            put(values, path, rendered)
        if not facts.registered:
            outputs["id"] = id_
        record = Record(type=type_, id=id_, made_by=made_by, owner=owner, inputs=dict(inputs), outputs=outputs)
        self._rules.refuse_duplicates(facts, record)
        there = self.store.get(type_, id_)
        # If two resources write the same object, removing one also removes it for the other: no cloud reports that, we
        # do.
        if there and facts.again and there.made_by == made_by:
            kept = {name: value for name, value in there.outputs.items() if name not in inputs}
            record = replace(record, outputs={**outputs, **kept})
            self.store.change(record, links)
            return record
        if there:
            raise CloudError(render(facts.exists, values, nowhere))
        self.store.add(record, links)
        return self._make(facts, record, scope, facts.makes)

    def _make(self, facts: TypeFacts, record: Record, scope: Scope, makes: Sequence[Makes]) -> Record:
        outputs = dict(record.outputs)
        for rule in makes:
            if rule.unless and get(outputs, rule.unless) is not None:
                continue
            if any(get(outputs, path) != value for path, value in rule.when.items()):
                continue
            for each in [value for _, value in find(outputs, rule.each)] if rule.each else [None]:
                values = {**asdict(scope), **outputs, "id": record.id, "each": each}
                state = render(rule.state, values, self._rules.follower(facts, values))
                made = self._add(
                    rule.type,
                    BEFORE if record.made_by == BEFORE else f"{self.facts.package} {kind_of(record.type)} {record.id}",
                    {key: value for key, value in state.items() if value is not None},
                    scope,
                    record.key,
                )
                for output in rule.outputs:
                    put(outputs, output.removesuffix("[]"), made.id, append=output.endswith("[]"))
        if outputs != record.outputs:
            record = replace(record, outputs=outputs)
            self.store.change(record)
        return record

    def _remake(self, facts: TypeFacts, old: Record, new: Record, scope: Scope) -> Record:
        """Follow a changed list with an object for each entry, such as interfaces of an endpoint in other subnets."""
        for rule in facts.makes:
            if rule.each is None or [v for _, v in find(old.outputs, rule.each)] == [
                v for _, v in find(new.outputs, rule.each)
            ]:
                continue
            for owned in self.store.owned(new.key):
                if owned.type == rule.type:
                    self.remove_tree(owned)
            new = replace(new, outputs={**new.outputs, **{output.removesuffix("[]"): [] for output in rule.outputs}})
            new = self._make(facts, new, scope, [rule])
        return new

    def _with_defaults(self, facts: TypeFacts, type_: str, outputs: dict[str, Any], scope: Scope) -> dict[str, Any]:
        for path, value in facts.defaults.items():
            if get(outputs, path) is None:
                put(outputs, path, value)
        if facts.registered:
            known = schema.resource(type_).outputs
            if "region" in known and outputs.get("region") is None:
                outputs["region"] = scope.region
            if "tagsAll" in known:
                outputs["tagsAll"] = {**scope.default_tags, **(outputs.get("tags") or {})}
        return outputs
