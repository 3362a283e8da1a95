"""State of Helm releases in the provider, and its comparison.

Source: pulumi-kubernetes at 94977969, provider/pkg/provider/helm_release.go: `Release`, `Check`, `setDefaults`,
`checkpointRelease`, `setReleaseAttributes`, `Read` and `Diff`; manifest_json.go. A structure becomes properties by
pulumi/pulumi, sdk/go/common/util/mapper/mapper_encode.go: fields that were never set are there with their zero value,
pointers are not.
"""

import re
from collections.abc import Mapping
from typing import Any, cast

import yaml

from llmplatform_sandbox.providers.diffs import Change, diff_values
from llmplatform_sandbox.providers.manifests import annotated
from llmplatform_sandbox.providers.values import UNKNOWN, Secret, secret, unwrap_secrets

Values = dict[str, Any]
_ELEMENT = re.compile(r"\[\d+\]$")
_SWITCHES = """
allowNullValues atomic cleanupOnFail createNamespace dependencyUpdate devel disableCRDHooks disableOpenapiValidation
disableWebhooks forceUpdate lint recreatePods renderSubchartNotes replace resetValues reuseValues skipAwait skipCrds
verify waitForJobs
"""
_TEXTS = "chart description keyring name namespace postrender version"
_REPOSITORY = "repo caFile certFile keyFile password username"
_POINTERS = ("maxHistory", "repositoryOpts")
_TIMEOUT = 300
"""Seconds, where the program waits and names none (`defaultTimeoutSeconds`)."""
_ZERO: Mapping[str, Any] = {
    **dict.fromkeys(_SWITCHES.split(), False),
    **dict.fromkeys(_TEXTS.split(), ""),
    "timeout": 0,
    "values": {},
}


def inputs_of(news: Mapping[str, Any], version: str | None) -> Values:
    """The inputs as a check gives them back. `version`: of the chart that was found; None: none was looked for."""
    given = {key: value for key, value in news.items() if value is not None}
    if given.get("skipAwait") in (None, False):
        given.setdefault("timeout", _TIMEOUT)
    inputs = {**_ZERO, **{key: value for key, value in given.items() if key in _ZERO or key in _POINTERS}}
    if isinstance(inputs.get("repositoryOpts"), Mapping):
        inputs["repositoryOpts"] = {**dict.fromkeys(_REPOSITORY.split(), ""), **inputs["repositoryOpts"]}
    return inputs if version is None else {**inputs, "version": version}


def outputs_of(inputs: Mapping[str, Any], status: Any, manifest: Any, **found: Any) -> Values:
    """The state of a release. `found`: what the cluster says otherwise than the inputs (values, version).

    `status` and `manifest` are UNKNOWN in a preview.
    """
    names = UNKNOWN if manifest is UNKNOWN else resource_names(manifest)
    outputs = annotated({**unwrap_secrets(inputs), **found, "resourceNames": names, "status": status}, inputs)
    return {**outputs, "__inputs": secret(inputs)}


def imported(release: Mapping[str, Any]) -> Values:
    """The inputs of a release that no program has described, from Helm's record; where its chart is, none can tell."""
    meta = release["chart"]["metadata"]
    described = {"name": release["name"], "namespace": release["namespace"], "chart": meta["name"]}
    return inputs_of({**described, "values": release.get("config") or {}}, meta["version"])


def resource_names(manifest: str) -> dict[str, list[str]]:
    """The objects of a manifest: `Kind.group/apiVersion` → names, with the namespace where there is one."""
    found: dict[str, set[str]] = {}
    for each in yaml.safe_load_all(manifest):
        if each:
            version, metadata = str(each["apiVersion"]), each["metadata"]
            group = version.rpartition("/")[0]
            key = f"{each['kind']}{'.' if group else ''}{group}/{version}"
            namespace = metadata.get("namespace")
            found.setdefault(key, set()).add(f"{namespace}/{metadata['name']}" if namespace else metadata["name"])
    return {key: sorted(names) for key, names in sorted(found.items())}


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
