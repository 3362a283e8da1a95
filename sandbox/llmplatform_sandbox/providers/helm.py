"""`kubernetes:helm.sh/v3:Release`: a Helm release as a resource, as far as the API server can tell.

Simulated: the check of every value key against the catalog, the chart's CRDs, Helm's own release record with its
revisions and their statuses (kube/helm.py), the namespace, uninstalling. NOT simulated: the chart's workloads, service
accounts, RBAC, and hooks except those before a deletion; no pod of a release runs, but without a node that accepts pods
a release with pods fails. loops/controllers.py and the package `controllers` answer for its controllers. The archive of
the chart is opened where it exists, and need not exist.

The provider's treatment of Helm's answers follows pulumi-kubernetes, provider/pkg/provider/helm_release.go: `Create`,
`Update` and `Delete` return Helm's errors unchanged; `Read` returns the values of the newest revision, even of a
pending one (`setReleaseAttributes`); `Diff` compares with those (`CreateThreeWayMergePatch`).
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

from llmplatform.recovery.releases import Unsettled
from llmplatform_sandbox.interfaces import Release
from llmplatform_sandbox.kube import helm, releases
from llmplatform_sandbox.kube.client import Kube
from llmplatform_sandbox.kube.errors import KubeError
from llmplatform_sandbox.providers import helm_state
from llmplatform_sandbox.providers.archives import BadArchive
from llmplatform_sandbox.providers.charts import Charts, chart_of, unknown_keys
from llmplatform_sandbox.providers.diffs import Diff
from llmplatform_sandbox.providers.helm_state import merge_changes, merged
from llmplatform_sandbox.providers.outcomes import Autonaming, Failure, InitFailed, ProviderError
from llmplatform_sandbox.providers.values import UNKNOWN, contains_unknown, unwrap_secrets

Values = dict[str, Any]

RELEASE: Final = "kubernetes:helm.sh/v3:Release"
_LONG: Final = 300
"""Seconds for a release without a timeout of its own."""
_FAILED: Final = (
    'Helm release "{name}" was created but has a failed status. Use the `helm` command to investigate the error, '
    "correct it, then retry. Reason: {error}"
)
_NULLS: Final = (
    "`allowNullValues` is deprecated and has no effect; null values in Helm chart values are preserved by default."
)
_INPUT_NAMES = """
allowNullValues atomic chart cleanupOnFail compat createNamespace dependencyUpdate description devel
disableCRDHooks disableOpenapiValidation disableWebhooks forceUpdate keyring lint manifest maxHistory name
namespace postrender recreatePods renderSubchartNotes replace repositoryOpts resetValues resourceNames
reuseValues skipAwait skipCrds takeOwnership timeout values valueYamlFiles verify version waitForJobs
"""
_INPUTS: Final = frozenset(_INPUT_NAMES.split())


Started = Callable[[Release], bool]
"""Whether the controllers of a release that is being installed are up, as far as they are run; waits for them."""


class ReleaseProvider:
    """The hooks of a provider, for one type. `warn`: shows a warning with the resource of a URN."""

    def __init__(self, kube: Kube | None, charts: Charts, started: Started, warn: Callable[[str, str], None]) -> None:
        self._kube = kube
        self._charts = charts
        self._started = started
        self._warn = warn

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
            name, version = chart_of(inputs)
            if not version:
                reason = f"chart: {name} has no version; name a local archive, <chart>-<version>.tgz, or set version"
                failures.append(Failure("chart", reason))
            values = unwrap_secrets(inputs.get("values") or {})
            if isinstance(values, Mapping):
                failures.extend(Failure("values", f"values: {line}") for line in unknown_keys(name, version, values))
        if inputs.get("valueYamlFiles"):
            failures.append(Failure("valueYamlFiles", "valueYamlFiles: the sandbox cannot check them; use values"))
        if inputs.get("allowNullValues") is True:
            self._warn(naming.urn, _NULLS)
        if not inputs.get("chart") or contains_unknown(inputs):
            return helm_state.inputs_of(inputs, None), failures
        try:
            version = self._charts.find(inputs, naming.urn).version
        except BadArchive as error:
            failures.append(Failure("chart", f"chart: {error}; check the chart name and repository configuration."))
            version = None
        return helm_state.inputs_of(inputs, version), failures

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
            return "", helm_state.outputs_of(inputs, UNKNOWN, UNKNOWN)
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
            return helm_state.outputs_of(new_inputs, UNKNOWN, UNKNOWN)
        return self._release(urn, new_inputs, first=False)

    def read(self, id_: str, inputs: Values, outputs: Values) -> tuple[str, Values, Values] | None:
        """The recorded release, or None."""
        namespace, _, name = id_.rpartition("/")
        found = releases.revisions(self._cluster(), namespace or "default", name)
        if not found:
            return None
        record = releases.record_of(found[-1])
        inputs = inputs or helm_state.imported(record)
        values = merged(outputs.get("values") or inputs.get("values") or {}, record.get("config") or {})
        return id_, inputs, _state(inputs, record, values=values)

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
        values = clear.get("values") or {}
        try:
            chart = self._charts.find(clear, urn)
        except BadArchive as error:
            raise ProviderError(str(error)) from None
        if first and chart.type != "application":
            raise ProviderError(f"{chart.type} charts are not installable")
        home = {"name": clear["name"], "namespace": clear["namespace"]}
        release = Release(**home, chart=chart.name, version=chart.version, values=values)
        what = f"release {release.namespace}/{release.name}"
        try:
            self._namespace(kube, release.namespace, create=bool(clear.get("createNamespace")))
            found = releases.revisions(kube, release.namespace, release.name)
            revision = 1 + max(map(releases.number_of, found), default=0)
            status = "pending-install" if first else "pending-upgrade"
            record = releases.new_record(release, revision=revision, app_version=chart.app_version, status=status)

            def apply() -> str:
                manifest = chart.install_crds(kube, values, skip=bool(clear.get("skipCrds")))
                if not self._started(release):
                    raise helm.HelmError("1 error occurred:\n\t* timed out waiting for the condition")
                if not clear.get("skipAwait") and chart.runs_pods:
                    helm.require_node(kube, clear.get("timeout") or _LONG, tainted=_tolerates(values))
                return manifest

            atomic = bool(clear.get("atomic"))
            if first:
                record = helm.install(kube, record, urn, apply, atomic=atomic)
            else:
                keep = int(clear.get("maxHistory") or 0)
                record = helm.upgrade(kube, record, urn, apply, keep=keep, atomic=atomic)
        except helm.ReleaseFailed as error:
            if first:
                self._warn(urn, _FAILED.format(name=release.name, error=error))
            id_ = f"{release.namespace}/{release.name}"
            raise InitFailed(id_, _state(inputs, error.record), [_reason(id_, error, first=first)]) from None
        except helm.HelmError as error:
            raise ProviderError(str(error)) from None
        except KubeError as error:
            raise ProviderError("\n".join(error.lines(what))) from None
        return _state(inputs, record)

    def _namespace(self, kube: Kube, name: str, *, create: bool) -> None:
        if kube.get("v1", "Namespace", name):
            return
        if not create:
            raise ProviderError(f"namespace {name}: not found; create it first, or set createNamespace")
        kube.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}, manager="helm")


def recorded(inputs: Values) -> Values:
    """The outputs of a release at its first installation."""
    clear = unwrap_secrets(inputs)
    chart, version = chart_of(clear)
    release = Release(name=clear["name"], namespace=clear["namespace"], chart=chart, version=version, values={})
    return _state(inputs, releases.new_record(release, revision=1, app_version="", status=releases.DEPLOYED))


def _state(inputs: Values, record: Mapping[str, Any], **found: Any) -> Values:
    meta = record["chart"]["metadata"]
    status = {
        "appVersion": meta.get("appVersion", ""),
        "chart": meta["name"],
        "name": record["name"],
        "namespace": record["namespace"],
        "revision": record["version"],
        "status": record["info"]["status"],
        "version": meta["version"],
    }
    return helm_state.outputs_of(inputs, status, record.get("manifest", ""), version=meta["version"], **found)


def _reason(id_: str, error: Exception, *, first: bool) -> str:
    """The provider's words (`Create`, `Update`, `releaseFailedError`)."""
    created = "was created, but failed" if first else "failed"
    failed = f"failed to become available within allocated timeout. Error: Helm Release {id_}: {error}"
    return f'Helm release "{id_}" {created} to initialize completely. Use Helm CLI to investigate: {failed}'


def _tolerates(values: Any) -> bool:
    """Whether values let some pod of a chart onto tainted nodes."""
    if isinstance(values, Mapping):
        return bool(values.get("tolerations")) or any(map(_tolerates, values.values()))
    return isinstance(values, list) and any(map(_tolerates, values))
