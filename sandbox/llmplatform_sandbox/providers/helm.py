"""`kubernetes:helm.sh/v3:Release`: a Helm release as a resource, as far as the API server can tell.

Simulated: the check of every value key against the catalog, the chart's CRDs, Helm's own release record with its
revisions and their statuses (kube/helm.py), the namespace, uninstalling. NOT simulated: the chart's workloads, service
accounts, RBAC, and hooks except those before a deletion; no pod of a release runs. loops/controllers.py and the package
`controllers` answer for its controllers. The archive of the chart need not exist.

The provider's treatment of Helm's answers follows pulumi-kubernetes, provider/pkg/provider/helm_release.go: `Create`,
`Update` and `Delete` return Helm's errors unchanged; `Read` returns the values of the newest revision, even of a
pending one (`setReleaseAttributes`); `Diff` compares with those (`CreateThreeWayMergePatch`).
"""

import re
import tomllib
from collections.abc import Callable, Collection, Mapping
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Final

from llmplatform.catalog.chart_values import chart_crds, chart_keys
from llmplatform.recovery.releases import Unsettled
from llmplatform_sandbox.interfaces import Release
from llmplatform_sandbox.kube import definitions, helm, releases
from llmplatform_sandbox.kube.client import Kube
from llmplatform_sandbox.kube.errors import KubeError
from llmplatform_sandbox.kube.waiting import TimedOut
from llmplatform_sandbox.providers.diffs import Diff
from llmplatform_sandbox.providers.helm_state import merge_changes, merged
from llmplatform_sandbox.providers.outcomes import Autonaming, Failure, ProviderError
from llmplatform_sandbox.providers.values import UNKNOWN, unwrap_secrets

Values = dict[str, Any]

RELEASE: Final = "kubernetes:helm.sh/v3:Release"
_ARCHIVE: Final = re.compile(r"^(?P<name>.+?)-(?P<version>v?\d+\.\d+.*)\.tgz$")
_INPUT_NAMES = """
allowNullValues atomic chart cleanupOnFail compat createNamespace dependencyUpdate description devel
disableCRDHooks disableOpenapiValidation disableWebhooks forceUpdate keyring lint manifest maxHistory name
namespace postrender recreatePods renderSubchartNotes replace repositoryOpts resetValues resourceNames
reuseValues skipAwait skipCrds takeOwnership timeout values valueYamlFiles verify version waitForJobs
"""
_INPUTS: Final = frozenset(_INPUT_NAMES.split())


def chart_of(inputs: Mapping[str, Any]) -> tuple[str, str]:
    """(chart, version) of a release's inputs: from the archive's file name, else from `chart` and `version`."""
    chart = str(inputs["chart"])
    match = _ARCHIVE.match(chart.rsplit("/", 1)[-1])
    if match:
        return match["name"], match["version"]
    return chart.rstrip("/").rsplit("/", 1)[-1], str(inputs.get("version") or "")


Started = Callable[[Release], bool]
"""Whether the controllers of a release that is being installed are up, as far as they are run; waits for them."""


class ReleaseProvider:
    """The hooks of a provider, for one type. `charts`: a folder of unpacked charts, one folder per chart name."""

    def __init__(self, kube: Kube | None, charts: Path | None, started: Started = lambda _: True) -> None:
        self._kube = kube
        self._charts = charts
        self._started = started

    def check(self, olds: Values, news: Values, naming: Autonaming, namespace: str) -> tuple[Values, list[Failure]]:
        """Complete name and namespace; refuse unknown inputs of a Release, and unknown keys of its chart."""
        failures = [
            Failure(key, f"{key}: a Release has no such input")
            for key in sorted(set(news) - _INPUTS)
            if key[:2] != "__"
        ]
        inputs = {"namespace": namespace, **news}
        if not inputs.get("name"):
            name = naming.pick(olds.get("name") if isinstance(olds.get("name"), str) else None)
            if name is None:
                failures.append(Failure("name", "name: missing, and the project turns autonaming off; give a name"))
            else:
                inputs["name"] = name
        if not inputs.get("chart"):
            failures.append(Failure("chart", "chart: missing; give the path of a chart archive"))
        elif inputs["chart"] is not UNKNOWN:
            chart, version = chart_of(inputs)
            if not version:
                reason = f"chart: {chart} has no version; name a local archive, <chart>-<version>.tgz, or set version"
                failures.append(Failure("chart", reason))
            values = unwrap_secrets(inputs.get("values") or {})
            if isinstance(values, Mapping):
                failures.extend(Failure("values", f"values: {line}") for line in _unknown_keys(chart, version, values))
        if inputs.get("valueYamlFiles"):
            failures.append(Failure("valueYamlFiles", "valueYamlFiles: the sandbox cannot check them; use values"))
        return inputs, failures

    def diff(self, old_inputs: Values, old_outputs: Values, new_inputs: Values) -> Diff:
        """Another name or namespace is another release.

        A three-way merge: differences from the release as last read, and values that the program has removed.
        """
        changes = merge_changes(old_inputs, old_outputs, new_inputs)
        moved = {"name", "namespace"} & set(changes)
        return Diff(changes=changes, replaces=moved)

    def create(self, urn: str, inputs: Values, preview: bool) -> tuple[str, Values]:
        """Install: CRDs first, then the record."""
        if preview:
            return "", {**inputs, "status": UNKNOWN, "resourceNames": UNKNOWN}
        clear = unwrap_secrets(inputs)
        return f"{clear['namespace']}/{clear['name']}", self._release(urn, inputs, first=True)

    def find(self, urn: str, inputs: Mapping[str, Any]) -> str | None:
        """The id of the release that a resource's interrupted create made."""
        namespace, name = str(inputs.get("namespace") or "default"), str(inputs.get("name"))
        found = releases.revisions(self._cluster(), namespace, name)
        return f"{namespace}/{name}" if any(releases.owner_of(obj) == urn for obj in found) else None

    def mend(self, stack: str, known: Collection[str]) -> list[str]:
        """End interrupted operations of a killed run, by the commands of a recovery; returns those.

        `stack`: the prefix of its resources' URNs; `known`: URNs that its state has, or is about to adopt. A release in
        no state comes from a create whose answer was lost.
        """
        kube, done = self._cluster(), list[str]()
        for obj in releases.every(kube):
            urn, status = releases.owner_of(obj), releases.status_of(obj)
            record = releases.record_of(obj)
            if not urn.startswith(stack) or (urn in known and status == releases.DEPLOYED):
                continue
            left = Unsettled(
                urn=urn,
                release=record["name"],
                namespace=record["namespace"],
                status=status if urn in known else "uninstalling",
                revision=record["version"],
            )
            helm.run(kube, left.command)
            done.append(left.command)
        return done

    def update(self, urn: str, new_inputs: Values, preview: bool) -> Values:
        """Upgrade: a new revision."""
        if preview:
            return {**new_inputs, "status": UNKNOWN, "resourceNames": UNKNOWN}
        return self._release(urn, new_inputs, first=False)

    def read(self, id_: str, inputs: Values, outputs: Values) -> tuple[str, Values, Values] | None:
        """The recorded release, or None."""
        namespace, _, name = id_.rpartition("/")
        found = releases.revisions(self._cluster(), namespace or "default", name)
        if not found:
            return None
        record = releases.record_of(found[-1])
        meta = record["chart"]["metadata"]
        live = Release(name=name, namespace=record["namespace"], chart=meta["name"], version=meta["version"], values={})
        status = _status(live, record["version"], meta.get("appVersion", ""), record["info"]["status"])
        values = merged(outputs.get("values") or {}, record.get("config") or {})
        return id_, inputs, {**outputs, **({"values": values} if values else {}), "status": status}

    def delete(self, outputs: Values) -> None:
        """Uninstall: the record with all revisions, and the CRDs that go with the release."""
        kube, clear = self._cluster(), unwrap_secrets(outputs)
        try:
            helm.uninstall(kube, clear["namespace"], clear["name"])
        except helm.HelmError as error:
            raise ProviderError(str(error)) from None

    # Insides ---------------------------------------------------------------------------------------------------------

    def _cluster(self) -> Kube:
        if self._kube is None:
            raise ProviderError("this preview has no cluster; `llmplatform sandbox up` starts one")
        return self._kube

    def _release(self, urn: str, inputs: Values, *, first: bool) -> Values:
        clear, kube = unwrap_secrets(inputs), self._cluster()
        chart, version = chart_of(clear)
        values = clear.get("values") or {}
        release = Release(name=clear["name"], namespace=clear["namespace"], chart=chart, version=version, values=values)
        try:
            self._namespace(kube, release.namespace, create=bool(clear.get("createNamespace")))
            found = releases.revisions(kube, release.namespace, release.name)
            revision = 1 + max(map(releases.number_of, found), default=0)
            app_version = self._app_version(chart)
            status = "pending-install" if first else "pending-upgrade"
            record = releases.new_record(release, revision=revision, app_version=app_version, status=status)

            def apply() -> str:
                manifest = self._definitions(kube, release, skip=bool(clear.get("skipCrds")))
                if not self._started(release):
                    raise helm.HelmError("1 error occurred:\n\t* timed out waiting for the condition")
                return manifest

            if first:
                helm.install(kube, record, urn, apply)
            else:
                helm.upgrade(kube, record, urn, apply, keep=int(clear.get("maxHistory") or 0))
        except helm.HelmError as error:
            raise ProviderError(str(error)) from None
        except KubeError as error:
            raise ProviderError("\n".join(error.lines(f"release {release.namespace}/{release.name}"))) from None
        except TimedOut as error:
            raise ProviderError(f"release {release.namespace}/{release.name}: a definition is {error}") from None
        return {**inputs, "status": _status(release, revision, app_version), "resourceNames": {}}

    def _namespace(self, kube: Kube, name: str, *, create: bool) -> None:
        if kube.get("v1", "Namespace", name):
            return
        if not create:
            raise ProviderError(f"namespace {name}: not found; create it first, or set createNamespace")
        kube.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}, manager="helm")

    def _definitions(self, kube: Kube, release: Release, *, skip: bool) -> str:
        """Install the chart's CRDs; returns the manifest of those that an uninstall removes."""
        rule = _rules().get(release.chart, {})
        in_templates = bool(rule.get("templates"))
        if (skip and not in_templates) or not _setting(rule, "switch", release.values, otherwise=True):
            return ""
        folder = self._charts / release.chart if self._charts else None
        found = (
            definitions.from_folder(folder, release.values)
            if folder and folder.is_dir()
            else _permissive(release.chart)
        )
        definitions.install(kube, found, upgrade=in_templates)
        kept = not in_templates or _setting(rule, "keep", release.values, otherwise=False)
        return "" if kept else definitions.manifest_of(found)

    def _app_version(self, chart: str) -> str:
        file = self._charts / chart / "Chart.yaml" if self._charts else None
        match = (
            re.search(r"^appVersion: *[\"']?([^\s\"']+)", file.read_text(), re.MULTILINE)
            if file and file.is_file()
            else None
        )
        return match[1] if match else ""


def recorded(inputs: Values) -> Values:
    """The outputs of a release at its first installation."""
    clear = unwrap_secrets(inputs)
    chart, version = chart_of(clear)
    release = Release(name=clear["name"], namespace=clear["namespace"], chart=chart, version=version, values={})
    return {**inputs, "status": _status(release, 1, ""), "resourceNames": {}}


def _status(release: Release, revision: int, app_version: str, status: str = releases.DEPLOYED) -> Values:
    return {
        "appVersion": app_version,
        "chart": release.chart,
        "name": release.name,
        "namespace": release.namespace,
        "revision": revision,
        "status": status,
        "version": release.version,
    }


@cache
def _rules() -> Mapping[str, Any]:
    return tomllib.loads(resources.files("llmplatform_sandbox.providers").joinpath("chart_crds.toml").read_text())


def _setting(rule: Mapping[str, Any], key: str, values: Mapping[str, Any], *, otherwise: bool) -> bool:
    if key not in rule:
        return otherwise
    path, default = rule[key]
    found = definitions.lookup(values, path)
    return bool(default if found is None else found)


def _unknown_keys(chart: str, version: str, values: Mapping[str, Any]) -> list[str]:
    """Value keys that the chart does not have, by the catalog; an unknown chart is not checked."""
    try:
        chart_crds(chart)
    except KeyError:
        return []
    try:
        return chart_keys(chart, version).unknown(values)
    except KeyError as error:
        return [str(error.args[0])]


def _permissive(chart: str) -> list[definitions.Definition]:
    """Permissive definitions of the chart's CRDs in the catalog."""
    try:
        found = chart_crds(chart)
    except KeyError:
        return []
    return [
        definitions.permissive(
            group=crd.group, versions=crd.versions, kind=crd.kind, plural=crd.plural, scope=crd.scope
        )
        for crd in found
    ]
