"""The arguments of a `kubernetes` provider resource: which there are, which are refused, what a change means."""

from typing import Any

from llmplatform_sandbox.providers import manifests
from llmplatform_sandbox.providers.diffs import Diff, diff_values
from llmplatform_sandbox.providers.outcomes import Failure

Values = dict[str, Any]
_NAMES = """
alwaysRender cluster clusterIdentifier context deleteUnreachable enableConfigMapMutable enablePatchForce
enableSecretMutable enableServerSideApply helmReleaseSettings kubeClientSettings kubeconfig namespace
renderYamlToDirectory skipUpdateUnreachable strictMode suppressDeprecationWarnings suppressHelmHookWarnings
upsertExistingObjects
"""
KNOWN = frozenset(_NAMES.split())


def refused(args: Values) -> list[Failure]:
    """What the sandbox cannot do."""
    if not args.get("renderYamlToDirectory"):
        return []
    reason = "renderYamlToDirectory: the sandbox applies objects to its own API server; remove it for the sandbox"
    return [Failure("renderYamlToDirectory", reason)]


def difference(old: Values, new: Values) -> Diff:
    """Another cluster is another provider; other credentials for the same one are not."""
    changes = diff_values(old, new)
    if old.get("clusterIdentifier") or new.get("clusterIdentifier"):
        return Diff(changes=changes, replaces={"clusterIdentifier"} & set(changes))
    moved = "kubeconfig" in changes and manifests.servers(old) != manifests.servers(new)
    return Diff(changes=changes, replaces={"kubeconfig"} if moved else ())
