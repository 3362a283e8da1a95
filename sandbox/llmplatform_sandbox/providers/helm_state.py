"""State of Helm releases in the provider, and its comparison.

Source: pulumi-kubernetes, provider/pkg/provider/helm_release.go: `setReleaseAttributes` and `Diff`.
"""

import re
from collections.abc import Mapping
from typing import Any, cast

from llmplatform_sandbox.providers.diffs import Change, diff_values
from llmplatform_sandbox.providers.values import Secret, unwrap_secrets

Values = dict[str, Any]
_ELEMENT = re.compile(r"\[\d+\]$")


def merge_changes(old_inputs: Values, old_outputs: Values, new_inputs: Values) -> dict[str, Change]:
    """A three-way merge: differences from the release as last read, and values that the program has removed."""
    gone = {path for path, each in diff_values(old_inputs, new_inputs).items() if each is Change.DELETE}
    live = {key: (old_outputs or old_inputs)[key] for key in new_inputs if key in (old_outputs or old_inputs)}
    changed = {
        path: each
        for path, each in diff_values(live, new_inputs).items()
        if each is not Change.DELETE or _ELEMENT.search(path)
    }
    return changed | dict.fromkeys(gone, Change.DELETE)


def merged(old: Any, live: Any) -> Any:
    """The known values, overridden by those of the cluster; secrets stay secret."""
    if unwrap_secrets(old) == live:
        return old
    if isinstance(old, Secret):
        return Secret(merged(old.value, live))
    if isinstance(old, Mapping) and isinstance(live, Mapping):
        kept = dict(cast(Values, old))
        return kept | {key: merged(kept.get(key), value) for key, value in cast(Values, live).items()}
    return live
