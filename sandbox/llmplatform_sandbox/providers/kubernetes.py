"""The `kubernetes` package for the engine, against the sandbox's own API server.

Simulates pulumi-kubernetes with server-side apply: naming, diffs and replacements, awaited readiness, Patch resources,
custom resources by discovery, Helm releases (helm.py). Differences from the real one: it ignores the kubeconfig's
credentials (the sandbox provides access); it uses server-side apply even if an argument turns it off; it diffs an
update by inputs alone; it adopts an object of the same resource's interrupted run, and refuses any other existing
object, as the real one does unless `upsertExistingObjects` is set; it refuses functions and YAML rendering.
"""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from typing_extensions import override

from llmplatform_sandbox.explain import workload_reasons
from llmplatform_sandbox.interfaces import KubeAccess
from llmplatform_sandbox.kube.client import Kube, Object
from llmplatform_sandbox.kube.errors import KubeError, UnknownKind
from llmplatform_sandbox.kube.immutable import replacing
from llmplatform_sandbox.kube.readiness import NeverReady, not_awaited, runs_or_failed, waiting_for, warnings_of
from llmplatform_sandbox.kube.waiting import TimedOut, held_by, until_gone, until_ready, until_served
from llmplatform_sandbox.providers import kubernetes_arguments as arguments
from llmplatform_sandbox.providers import manifests
from llmplatform_sandbox.providers.base import (
    Autonaming,
    Change,
    Diff,
    Failure,
    InitFailed,
    ProviderError,
    ProviderServicer,
    Values,
    contains_unknown,
    diff_values,
    unwrap_secrets,
)
from llmplatform_sandbox.providers.charts import Charts, Programs
from llmplatform_sandbox.providers.helm import RELEASE, ReleaseProvider, Started
from llmplatform_sandbox.providers.ignored import sent


class KubernetesProvider(ProviderServicer):
    """`kube` None: a preview without a cluster, which touches nothing.

    `charts`: a folder of unpacked charts, one folder per chart name, for their CRDs.
    """

    version: ClassVar[str] = "4.34.2"
    config_keys: ClassVar[frozenset[str] | None] = arguments.KNOWN

    def __init__(
        self,
        kube: KubeAccess | Kube | None,
        charts: Path | None = None,
        started: Started = lambda _: True,
        programs: Programs = tuple,
    ) -> None:
        super().__init__()
        self._kube = Kube(kube) if isinstance(kube, KubeAccess) else kube
        self._releases = ReleaseProvider(self._kube, Charts(charts, programs), started, self.warn)
        self.mend = self._releases.mend

    @override
    def check_config(self, args: Values) -> list[Failure]:
        return [*super().check_config(args), *arguments.refused(args)]

    @override
    def diff_config(self, old: Values, new: Values) -> Diff:
        return arguments.difference(old, new)

    @override
    def check(self, typ: str, olds: Values, news: Values, autonaming: Autonaming) -> tuple[Values, list[Failure]]:
        if typ == RELEASE:
            return self._releases.check(olds, news, autonaming, self.config.get("namespace") or "default")
        try:
            api_version, kind = manifests.kind_of(typ, news)
        except ValueError as error:
            return news, [Failure("", str(error))]
        inputs, fault = manifests.named(news, olds, autonaming)
        failures = [Failure("metadata.name", fault)] if fault else []
        if manifests.is_patch(typ) and fault is None and inputs is not news:
            failures.append(
                Failure("metadata.name", "metadata.name: missing; a Patch must name the object that it changes")
            )
        namespaced = self._namespaced(api_version, kind)
        inputs = manifests.in_namespace(inputs, olds, namespaced, self.config.get("namespace") or "default")
        return manifests.secretive(inputs, kind), failures

    @override
    def diff(self, typ: str, id_: str, old_inputs: Values, old_outputs: Values, new_inputs: Values) -> Diff:
        if typ == RELEASE:
            return self._releases.diff(old_inputs, old_outputs, new_inputs)
        api_version, kind = manifests.kind_of(typ, new_inputs)
        changes = diff_values(manifests.visible(old_inputs), manifests.visible(new_inputs))
        locked = unwrap_secrets(old_outputs.get("immutable")) is True
        replaces = replacing(api_version, kind, changes, provider=self.config, locked=locked)
        if manifests.is_patch(typ):
            replaces = {path for path in replaces if path.startswith("metadata.")}
        if self._to_be_made_anew(kind, old_outputs, new_inputs):
            replaces = {*replaces, manifests.UNREADY_PATH}
            changes = {**changes, manifests.UNREADY_PATH: Change.UPDATE}
        same = manifests.identity(old_inputs) == manifests.identity(new_inputs)
        autonamed = manifests.annotation(new_inputs, manifests.AUTONAMED) == "true"
        return Diff(changes=changes, replaces=replaces, delete_before_replace=same and not autonamed)

    @override
    def create(self, typ: str, urn: str, inputs: Values, preview: bool, timeout: float) -> tuple[str, Values]:
        if typ == RELEASE:
            return self._releases.create(urn, inputs, preview)
        _, kind = manifests.kind_of(typ, inputs)
        if preview:
            self._rehearse(urn, inputs, {})
            return "", manifests.preview_of(inputs, {}, kind)
        manager = manifests.manager_for(urn, inputs, {})
        if not manifests.is_patch(typ):
            self._refuse_existing(manifests.body_of(inputs), manager)
        return self._put(typ, urn, inputs, manager, timeout)

    @override
    def update(
        self, typ: str, urn: str, id_: str, old_inputs: Values, old_outputs: Values, new_inputs: Values,
        preview: bool, timeout: float,
    ) -> Values:  # fmt: skip
        if typ == RELEASE:
            return self._releases.update(urn, new_inputs, preview)
        _, kind = manifests.kind_of(typ, new_inputs)
        if preview:
            self._rehearse(urn, new_inputs, old_outputs)
            return manifests.preview_of(new_inputs, old_outputs, kind)
        return self._put(typ, urn, new_inputs, manifests.manager_for(urn, new_inputs, old_outputs), timeout)[1]

    @override
    def read(self, typ: str, urn: str, id_: str, inputs: Values, outputs: Values) -> tuple[str, Values, Values] | None:
        if self._kube is None:
            return id_, inputs, outputs
        if typ == RELEASE:
            return self._releases.read(id_, inputs, outputs)
        api_version, kind = manifests.kind_of(typ, outputs or inputs)
        namespace, _, name = id_.rpartition("/")
        live = self._get(api_version, kind, name, namespace or None)
        if live is None:
            return None
        manager = manifests.manager_for(urn, inputs, outputs)
        inputs = manifests.live_inputs(inputs, {**live, "stringData": unwrap_secrets(inputs.get("stringData"))})
        inputs = inputs or manifests.imported(live)
        seen = manifests.outputs_of(live, inputs, manager, outputs.get("__initialApiVersion", ""))
        if manifests.annotation(inputs, manifests.SKIP_AWAIT) != "true" and not manifests.is_patch(typ):
            reason = self._not_ready(live)
            if reason:
                raise InitFailed(id_, seen, [f"{manifests.described(live)}: {reason}"], inputs)
        return id_, inputs, seen

    @override
    def delete(self, typ: str, urn: str, id_: str, inputs: Values, outputs: Values, timeout: float) -> None:
        kube = self._cluster()
        try:
            if typ == RELEASE:
                return self._releases.delete(outputs)
            api_version, kind = manifests.kind_of(typ, outputs or inputs)
            namespace, _, name = id_.rpartition("/")
            metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
            target = {"apiVersion": api_version, "kind": kind, "metadata": metadata}
            if manifests.is_patch(typ):
                # Applying nothing releases the fields of this resource, and leaves the object.
                if kube.get(api_version, kind, name, namespace or None):
                    kube.apply(target, manager=manifests.manager_for(urn, inputs, outputs), force=True)
                return None
            propagation = manifests.annotation(inputs or outputs, manifests.PROPAGATION).capitalize() or "Foreground"
            live = kube.get(api_version, kind, name, namespace or None)
            if live is None or not kube.delete(target, propagation=propagation):
                return None
            if manifests.annotation(inputs or outputs, manifests.SKIP_AWAIT) == "true":
                return None
            seconds = manifests.patience(inputs or outputs, timeout)
            if not until_gone(kube, live, seconds=seconds, wanted=self.wanted):
                raise ProviderError(
                    f"{manifests.described(target)}: still there after {seconds:.0f} s{held_by(kube, live)}"
                )
        except UnknownKind:
            return None
        except KubeError as error:
            if error.unreachable and str(self.config.get("deleteUnreachable", "")).lower() == "true":
                return None
            raise ProviderError("\n".join(error.lines(f"deleting {id_}"))) from None

    # Recovery --------------------------------------------------------------------------------------------------------

    def find(self, typ: str, urn: str, inputs: Mapping[str, Any]) -> str | None:
        """The id of the object that a resource's interrupted create made; None if there is none."""
        if typ == RELEASE:
            return self._releases.find(urn, inputs)
        if manifests.is_patch(typ):
            return None
        api_version, kind = manifests.kind_of(typ, inputs)
        metadata = inputs.get("metadata") or {}
        live = self._get(api_version, kind, str(metadata.get("name")), metadata.get("namespace"))
        return (
            manifests.id_of(live)
            if live and manifests.manager_for(urn, inputs, {}) in manifests.managers(live)
            else None
        )

    # Insides ---------------------------------------------------------------------------------------------------------

    def _cluster(self) -> Kube:
        if self._kube is None:
            raise ProviderError("this preview has no cluster; `llmplatform sandbox up` starts one")
        return self._kube

    def _get(self, api_version: str, kind: str, name: str, namespace: str | None) -> Object | None:
        try:
            return self._cluster().get(api_version, kind, name, namespace)
        except UnknownKind:
            return None
        except KubeError as error:
            raise ProviderError("\n".join(error.lines(f"{kind} {name}"))) from None

    def _namespaced(self, api_version: str, kind: str) -> bool | None:
        """None if unknown: a custom resource whose CRD does not exist yet."""
        known = manifests.built_in_scope(api_version, kind)
        if known is not None or self._kube is None:
            return known
        try:
            return self._kube.kind(api_version, kind).namespaced
        except KubeError:
            return None

    def _refuse_existing(self, body: Object, manager: str) -> None:
        if str(self.config.get("upsertExistingObjects", "")).lower() == "true":
            return
        metadata = body["metadata"]
        live = self._get(body["apiVersion"], body["kind"], metadata["name"], metadata.get("namespace"))
        # An object without field managers comes from an apply of only its name: an interrupted one.
        managers = manifests.managers(live) if live else set[str]()
        if managers and manager not in managers:
            raise ProviderError(
                f"{manifests.described(body)}: exists already; import it, name it otherwise, or patch it"
            )

    def _put(self, typ: str, urn: str, inputs: Values, manager: str, timeout: float) -> tuple[str, Values]:
        kube, body = self._cluster(), manifests.body_of(inputs)
        try:
            body = sent(kube, body, manager, self.ignored)
            live = until_served(lambda: kube.apply(body, manager=manager, force=self._force(inputs)))
        except KubeError as error:
            raise ProviderError("\n".join(error.lines(manifests.described(body)))) from None
        id_ = manifests.id_of(live)
        if manifests.is_patch(typ) or manifests.annotation(inputs, manifests.SKIP_AWAIT) == "true":
            return id_, manifests.outputs_of(live, inputs, manager)
        try:
            seconds = manifests.patience(inputs, timeout)
            live = until_ready(kube, live, seconds=seconds, wanted=self.wanted, seen=partial(self._say, urn))
        except (TimedOut, NeverReady, KubeError) as error:
            live = error.obj if isinstance(error, TimedOut) else live
            reasons = [f"{manifests.described(body)}: {error}", *workload_reasons(kube, live)]
            raise InitFailed(id_, manifests.outputs_of(live, inputs, manager), reasons) from None
        return id_, manifests.outputs_of(live, inputs, manager)

    def _say(self, urn: str, live: Object) -> None:
        for text in warnings_of(live):
            self.warn(urn, text, passing=True)
        if text := not_awaited(live):
            self.warn(urn, text)

    def _force(self, inputs: Values) -> bool:
        """Whether fields are taken from other managers: provider/pkg/await/await.go, `patchForce`."""
        asked = (manifests.annotation(inputs, manifests.PATCH_FORCE), str(self.config.get("enablePatchForce", "")))
        return "true" in map(str.lower, asked)

    def _rehearse(self, urn: str, inputs: Values, old_outputs: Values) -> None:
        """A dry run of the API server, if there is one and all values are known. A refusal is a `ProviderError`."""
        if self._kube is None or contains_unknown(inputs):
            return
        body = manifests.body_of(inputs)
        metadata = body["metadata"]
        try:
            live = self._kube.get(body["apiVersion"], body["kind"], metadata["name"], metadata.get("namespace"))
            # A planned replacement would collide with the object that it replaces.
            if live is None or old_outputs:
                manager = manifests.manager_for(urn, inputs, old_outputs)
                body = sent(self._kube, body, manager, self.ignored)
                self._kube.apply(body, manager=manager, force=self._force(inputs), dry_run=True)
        except KubeError as error:
            # The same plan still creates the kind's CRD or the namespace.
            if not (error.not_found or error.unreachable):
                raise ProviderError("\n".join(error.lines(manifests.described(body)))) from None

    def _to_be_made_anew(self, kind: str, old_outputs: Values, new_inputs: Values) -> bool:
        if self._kube is None or kind != "Job" or manifests.annotation(new_inputs, manifests.REPLACE_UNREADY) != "true":
            return False
        name, namespace = manifests.identity(old_outputs)
        return runs_or_failed(self._kube, str(unwrap_secrets(old_outputs["apiVersion"])), str(name), namespace)

    def _not_ready(self, live: Object) -> str | None:
        try:
            return waiting_for(self._cluster(), live)
        except NeverReady as error:
            return str(error)
