"""A difference for programs: one JSON document. `version` is raised when a key is removed or changes its meaning."""

from typing import Any

from llmplatform_sandbox.diff.difference import Difference
from llmplatform_sandbox.diff.plan import ResourceChange
from llmplatform_sandbox.diff.properties import PropertyChange
from llmplatform_sandbox.diff.texts import lines, sides

VERSION = 1


def document(difference: Difference) -> dict[str, Any]:
    """All of it as plain values. A secret is a word in it, never a value."""
    plan = difference.plan
    return {
        "version": VERSION,
        "stack": difference.stack,
        "against": {"revision": difference.against, "commit": difference.commit},
        "notes": list(difference.notes),
        "counts": {**plan.counts(), "follow": plan.following, "unchanged": plan.unchanged},
        "changes": [_resource(one) for one in plan.changes],
        "outputs": [_property(one) for one in plan.outputs],
        "unprotected": list(plan.unprotected),
    }


def _resource(one: ResourceChange) -> dict[str, Any]:
    return {
        "urn": one.urn,
        "type": one.type,
        "name": one.name,
        "component": one.component,
        "op": one.op,
        "risky": one.risky,
        "loss": one.loss,
        "protected": one.protected,
        "retained": one.retained,
        "first_deleted": one.first_deleted,
        "restarts": one.restarts,
        "refused": one.refused,
        "follows": list(one.roots),
        "properties": [_property(each) for each in one.properties],
    }


def _property(one: PropertyChange) -> dict[str, Any]:
    before, after = sides(one, most=None)
    return {
        "path": one.path,
        "kind": one.kind,
        "before": before,
        "after": after,
        "lines": lines(one),
        "replaces": one.replaces,
        "follows": list(one.causes),
    }
