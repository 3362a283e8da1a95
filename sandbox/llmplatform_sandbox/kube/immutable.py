"""Which changed properties of a Kubernetes object force a replacement. The rules are data: immutable.toml."""

import re
import tomllib
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cache
from importlib import resources

from llmplatform_sandbox.citations import Cited

_ALWAYS = ("metadata.name", "metadata.namespace", "apiVersion", "kind")
_INDEX = re.compile(r"\[\d+\]")


class Rule(Cited):
    """Immutable properties of a kind of object."""

    group: str
    kind: str
    paths: tuple[str, ...]
    items: tuple[str, ...] = ()
    """Members of lists, which cannot be added or removed."""
    properties: tuple[str, ...] = ()
    """What is immutable in them."""
    mutable_by: str | None = None
    """The provider's argument that makes it mutable."""

    def covers(self, path: str) -> bool:
        """Whether a change at a path needs a new object."""
        within = [f"{item}.{name}" for item in self.items for name in self.properties]
        return _plain(path) in self.items or _below(path, [*self.paths, *within])


@cache
def rules() -> Sequence[Rule]:
    """All of them."""
    text = resources.files("llmplatform_sandbox.kube").joinpath("immutable.toml").read_text()
    return [Rule.model_validate(row) for row in tomllib.loads(text)["rule"]]


def replacing(
    api_version: str, kind: str, changed: Iterable[str], *, provider: Mapping[str, object], locked: bool
) -> set[str]:
    """Those of the changed property paths that need a new object.

    `provider`: the provider's arguments (`enableConfigMapMutable` …); `locked`: the live object has `immutable: true`.
    """
    group = api_version.rpartition("/")[0]
    found: set[str] = set()
    for path in changed:
        if path in _ALWAYS:
            # A new API version of the same group is the same object; another group is another one.
            found |= {path} if path != "apiVersion" else set()
        for rule in rules():
            mutable = rule.mutable_by and not locked and str(provider.get(rule.mutable_by, "")).lower() == "true"
            if (rule.group, rule.kind) == (group, kind) and not mutable and rule.covers(path):
                found.add(path)
    return found


def _below(path: str, roots: Collection[str]) -> bool:
    plain = _plain(path)
    return any(plain == root or plain.startswith((f"{root}.", f"{root}[")) for root in roots)


def _plain(path: str) -> str:
    return _INDEX.sub("[*]", path)
