"""Rules between the objects of an account: references, quotas, unique names."""

import re
from collections.abc import Mapping
from typing import Any

from llmplatform_sandbox.cloud.facts import CloudFacts, TypeFacts, find, pattern_of
from llmplatform_sandbox.cloud.requests import CloudError
from llmplatform_sandbox.cloud.store import Link, Record, Store
from llmplatform_sandbox.cloud.templates import Follow, get, render


class Rules:
    """The facts, applied to the objects of the store."""

    def __init__(self, store: Store, facts: CloudFacts) -> None:
        self._store, self._facts = store, facts

    def links(self, facts: TypeFacts, inputs: Mapping[str, Any]) -> list[Link]:
        """References in an object's inputs. Raises CloudError for a reference to a missing object."""
        links: list[Link] = []
        for pattern, reference in facts.references.items():
            for path, value in find(inputs, pattern):
                target = self.target(facts, pattern, value)
                if target is not None:
                    on_delete = reference.on_delete
                    links.append(Link(path=path, target_type=target.type, target_id=target.id, on_delete=on_delete))
        return links

    def target(self, facts: TypeFacts, pattern: str, value: Any) -> Record | None:
        """The object of a reference; None for one outside of the account.

        Raises CloudError if it is missing.
        """
        reference = facts.references[pattern]
        for type_ in reference.to:
            found = self._store.by_output(type_, reference.by, value)
            if found is not None:
                return found
        if reference.outside and re.search(reference.outside, str(value)):
            return None
        raise CloudError(render(self._facts.of(reference.to[0]).missing, {"value": value}, nowhere))

    def follower(self, facts: TypeFacts, values: Mapping[str, Any]) -> Follow:
        """Resolves `{path>output}` of templates."""

        def follow(path: str, output: str) -> Any:
            value = get(values, path)
            target = None if value is None else self.target(facts, pattern_of(path), value)
            return None if target is None else target.outputs.get(output)

        return follow

    def blockers(self, record: Record, within: Record | None = None) -> list[Record]:
        """Objects that block an object's deletion, except those that are deleted with it or with its owner."""
        inside = {one.key for one in self._family(within or record)}
        return [one for one in self._store.referrers(record, "block") if one.key not in inside]

    def named(self, record: Record) -> str:
        """Type and maker of an object; for an owned object, those of its owner."""
        name, owner = f"{kind_of(record.type)} {record.id}", record.owner.partition("|")
        whole = self._store.get(owner[0], owner[2]) if record.owner else None
        return f"{name} of {self.named(whole)}" if whole else f"{name} (made by {record.made_by})"

    def _family(self, record: Record) -> list[Record]:
        return [record, *(member for owned in self._store.owned(record.key) for member in self._family(owned))]

    def refuse_above_quota(self, facts: TypeFacts, type_: str, inputs: Mapping[str, Any]) -> None:
        """Raises CloudError if one more exceeds a quota."""
        for quota in facts.quotas:
            peers = [one for one in self._store.all(type_) if not one.owner]
            if quota.per:
                peers = [one for one in peers if get(one.outputs, quota.per) == get(inputs, quota.per)]
            if len(peers) >= quota.limit:
                raise CloudError(f"{quota.error} (quota {quota.limit}; ask for more of {quota.code})")

    def refuse_duplicates(self, facts: TypeFacts, record: Record) -> None:
        """Raises CloudError if another object has a unique value."""
        for properties in facts.unique:
            own = [get(record.outputs, path) for path in properties]
            for peer in self._store.all(record.type):
                if peer.id != record.id and [get(peer.outputs, path) for path in properties] == own:
                    raise CloudError(render(facts.exists, {**record.outputs, "id": record.id}, nowhere))


def kind_of(type_: str) -> str:
    """`aws:ec2/subnet:Subnet` → `Subnet`."""
    return type_.rsplit(":", 1)[-1]


def nowhere(path: str, output: str) -> Any:
    """For templates without references."""
    return None
