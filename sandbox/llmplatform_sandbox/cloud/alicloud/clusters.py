"""ACK's clusters beyond the table: API server, add-ons, leftovers.

Source: terraform-provider-alicloud, website/docs/r/cs_managed_kubernetes (retain_resources, delete_options, what works
at creation only); ACK user guide, RRSA and add-ons.
"""

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from typing_extensions import override

from llmplatform_sandbox.cloud.account import Account
from llmplatform_sandbox.cloud.alicloud.addon_definitions import bring
from llmplatform_sandbox.cloud.alicloud.components import canonical, components, faults
from llmplatform_sandbox.cloud.alicloud.names import ADDON, BALANCER, CLUSTER, PERMISSION, PROJECT
from llmplatform_sandbox.cloud.alicloud.offered import versions
from llmplatform_sandbox.cloud.alicloud.remarks import note_ignored
from llmplatform_sandbox.cloud.alicloud.scaler import forget
from llmplatform_sandbox.cloud.alicloud.service_roles import require
from llmplatform_sandbox.cloud.alicloud.upgrades import minor_of, upgrade_kubelets
from llmplatform_sandbox.cloud.behaviour import Plain
from llmplatform_sandbox.cloud.control_plane import ControlPlane
from llmplatform_sandbox.cloud.minors import cannot, refuse_leap
from llmplatform_sandbox.cloud.requests import CloudError
from llmplatform_sandbox.cloud.store import Record, Store
from llmplatform_sandbox.cloud.templates import get

CREATOR_NEEDS = ("AliyunCSDefaultRole", "AliyunCSManagedKubernetesRole", "AliyunCSManagedNetworkRole")
_PROJECTS = {"SLS_ControlPlane": "controlPlaneLogProject", "SLS_Data": "auditLogConfig.slsProjectName"}
"""Option of a deletion → the log project that it also deletes, even the program's own."""


def installed(store: Store) -> Iterable[str]:
    """Names of the cluster's add-ons: required, requested at creation, installed later."""
    found: dict[str, None] = {}
    for cluster in store.all(CLUSTER):
        removed = set(store.setting(_removed(cluster.id)).split())
        names = [*_names(required=True), *_asked_for(cluster.inputs)]
        found |= dict.fromkeys(name for name in names if name not in removed)
    found |= dict.fromkeys(one.outputs["name"] for one in store.all(ADDON))
    return list(found)


def admins(store: Store) -> Sequence[str]:
    """RAM ids that administer the cluster."""
    rows = [(one.id, row) for one in store.all(PERMISSION) for row in one.outputs.get("permissions") or []]
    return sorted({uid for uid, row in rows if row["roleName"] == "admin" and row["roleType"] != "namespace"})


class Cluster(Plain):
    """`cs.ManagedKubernetes`."""

    def __init__(self, control_plane: ControlPlane) -> None:
        self._control_plane = control_plane

    @override
    def check(self, inputs: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
        findings = list(_version(inputs.get("version"), self._control_plane.minors))
        networks = [one["name"] for one in inputs.get("addons") or [] if one.get("name") in _names(network=True)]
        if inputs.get("podVswitchIds") and "flannel" in networks:
            findings.append(("podVswitchIds", "Terway's, and the add-on is flannel; write podCidr, or terway-eniip"))
        if "addons" in inputs and not networks:
            findings.append(("addons", "no network plugin; write terway-eniip (with podVswitchIds) or flannel"))
        if inputs.get("encryptionProviderKey") and (inputs.get("clusterSpec") or "ack.standard") == "ack.standard":
            findings.append(("encryptionProviderKey", "needs a Pro cluster; write clusterSpec ack.pro.small"))
        for index, one in enumerate(inputs.get("addons") or []):
            findings += faults(f"addons[{index}].", one.get("name"), one.get("config"))
        return findings

    @override
    def creating(self, account: Account, inputs: Mapping[str, Any]) -> None:
        others = account.store.all(CLUSTER)
        if others:
            raise CloudError(
                f"the sandbox has one control plane, and {others[0].id} uses it; put the second into another stack"
            )
        for role in CREATOR_NEEDS:
            require(account, role, "a cluster")
        if get(inputs, "auditLogConfig.enabled"):
            require(account, "AliyunCSKubernetesAuditRole", "the audit log")
        if inputs.get("encryptionProviderKey"):
            require(account, "AliyunCSManagedSecurityRole", "the encryption of Secrets")
        for addon in _asked_for(inputs):
            _require_role(account, addon)
        version = inputs.get("version")
        offered = versions()[minor_of(version) if version else self._control_plane.minors[-1]].releases[0]
        if version and version != offered and not self._control_plane.on_paper:
            raise CloudError(f"ErrUnsupportedVersion: {version} is not offered for new clusters; write {offered}")

    @override
    def created(self, account: Account, record: Record) -> Mapping[str, Any]:
        version = record.outputs.get("version") or versions()[self._control_plane.minors[-1]].releases[0]
        access = self._control_plane(record.outputs["serviceCidr"], minor_of(version))
        bring(self._control_plane, _asked_for(record.inputs))
        host = urlsplit(access.server).hostname or ""
        public = bool(record.outputs["slbInternetEnabled"])
        project = _log_project(account, record)
        region = account.scope.region
        found: dict[str, Any] = {
            "version": version,
            "connections": [
                {
                    "apiServerIntranet": access.server,
                    "apiServerInternet": access.server if public else "",
                    "masterPublicIp": host if public else "",
                    "serviceDomain": f"*.{record.id}.{region}.alicontainer.com",
                }
            ],
            "slbIntranet": host,
            "slbInternet": host if public else "",
            "natGatewayId": record.outputs.get("natGatewayId") or "",
            "rrsaMetadata": _rrsa(account, record),
            "certificateAuthorities": _authorities(account, record, access.ca_pem),
        }  # fmt: skip
        if project:
            found["controlPlaneLogProject"] = project
        return found

    @override
    def live(self, account: Account, record: Record) -> Record:
        told = record.outputs.get("certificateAuthorities")
        if told != [{}] or self._control_plane.on_paper:
            return record
        ca = self._control_plane(record.outputs["serviceCidr"], minor_of(record.outputs["version"])).ca_pem
        return replace(record, outputs={**record.outputs, "certificateAuthorities": _authorities(account, record, ca)})

    @override
    def updating(self, account: Account, old: Record, inputs: Mapping[str, Any]) -> None:
        wanted, now = inputs.get("version"), old.outputs["version"]
        if wanted and wanted != now:
            refuse_leap(minor_of(now), minor_of(wanted), "ErrUpgradeVersionNotSupported: the version cannot change")
            if versions()[minor_of(wanted)].releases.index(wanted) > _age(now, minor_of(wanted)):
                raise CloudError(f"ErrUpgradeVersionNotSupported: {wanted} is older than {now}; write a newer one")

    @override
    def updated(self, account: Account, old: Record, new: Record) -> None:
        if new.outputs["version"] != old.outputs["version"]:
            self._control_plane.upgrade(minor_of(new.outputs["version"]))
            if not get(new.outputs, "upgradePolicy.controlPlaneOnly"):
                upgrade_kubelets(account, new)
        if old.outputs.get("enableRrsa") and not new.outputs.get("enableRrsa"):
            raise CloudError("ErrRRSACannotDisable: RRSA cannot be turned off; write enableRrsa true")
        if new.outputs.get("enableRrsa") and not old.outputs.get("enableRrsa"):
            account.amend(new, {"rrsaMetadata": _rrsa(account, new)})
        note_ignored(account.store, old, new)

    @override
    def deleting(self, account: Account, record: Record) -> None:
        wanted = {one["resourceType"]: one["deleteMode"] for one in record.outputs.get("deleteOptions") or []}
        if wanted.get("SLB", "delete") == "delete":
            for balancer in account.store.all(BALANCER):
                if not balancer.owner:
                    account.remove_tree(balancer)
        for kind, path in _PROJECTS.items():
            project = account.store.get(PROJECT, get(record.outputs, path) or "")
            if project and wanted.get(kind) == "delete":
                account.remove_tree(project)
        self._control_plane.reset()
        forget(account.store)
        account.store.set(_removed(record.id), "")


class Addon(Plain):
    """`cs.KubernetesAddon`: adopts an existing add-on."""

    def __init__(self, control_plane: ControlPlane) -> None:
        self._control_plane = control_plane

    @override
    def check(self, inputs: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
        return faults("", inputs.get("name"), inputs.get("config"))

    @override
    def live(self, account: Account, record: Record) -> Record:
        config = record.outputs.get("config")
        if not config:
            return record
        read = {"config": canonical(config)}
        return replace(record, inputs={**record.inputs, **read}, outputs={**record.outputs, **read})

    @override
    def creating(self, account: Account, inputs: Mapping[str, Any]) -> None:
        name, cluster = inputs["name"], inputs["clusterId"]
        _require_role(account, name)
        _note_removed(account.store, cluster, name, removed=False)

    @override
    def created(self, account: Account, record: Record) -> Mapping[str, Any]:
        bring(self._control_plane, [record.outputs["name"]])
        return {"required": record.outputs["name"] in _names(required=True)}

    @override
    def deleting(self, account: Account, record: Record) -> None:
        if record.outputs["name"] not in _names(required=True):
            _note_removed(account.store, record.outputs["clusterId"], record.outputs["name"], removed=True)


class Permission(Plain):
    """`cs.KubernetesPermission`."""

    @override
    def check(self, inputs: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
        findings: list[tuple[str, str]] = []
        for index, row in enumerate(inputs.get("permissions") or []):
            kind, cluster, at = row.get("roleType"), row.get("cluster"), f"permissions[{index}]"
            if kind == "namespace" and not row.get("namespace"):
                findings.append((f"{at}.namespace", "missing; roleType namespace needs one"))
            if kind == "all-clusters" and cluster:
                findings.append((f"{at}.cluster", 'write "": roleType all-clusters names none'))
            known = ("admin", "ops", "dev", "restricted")
            if row.get("roleName") not in known and "roleName" in row and not row.get("isCustom"):
                findings.append((f"{at}.roleName", f"'{row['roleName']}' is not offered; write {' | '.join(known)}"))
        return findings


def _require_role(account: Account, addon: str) -> None:
    known = components().get(addon)
    if known is not None and known.role:
        require(account, known.role, addon)


def _names(*, network: bool = False, required: bool = False) -> list[str]:
    """Add-ons that are network plugins, or that every cluster always has."""
    return [name for name, one in components().items() if (network and one.network) or (required and one.required)]


def _authorities(account: Account, record: Record, ca: str) -> list[dict[str, str]]:
    """Nothing if the call for the kubeconfig is refused: the provider logs that, and continues (setCerts, v2.0)."""
    if record.outputs.get("skipSetCertificateAuthority"):
        return [{"clusterCert": "", "clientCert": "", "clientKey": ""}]
    if account.faults.active("throttling", CLUSTER):
        return [{}]
    # No client certificate is stored here: the sandbox returns it through the exec plugin.
    return [{"clusterCert": base64.b64encode(ca.encode()).decode(), "clientCert": "", "clientKey": ""}]


def _asked_for(inputs: Mapping[str, Any]) -> list[str]:
    """Add-ons that a new cluster includes."""
    return [one["name"] for one in inputs.get("addons") or [] if not one.get("disabled")]


def _age(version: str, minor: str) -> int:
    """Place of a version among those of a minor, the newest first; after the last for another minor."""
    releases = versions()[minor].releases
    return releases.index(version) if version in releases else len(releases)


def _version(version: Any, minors: Sequence[str]) -> Sequence[tuple[str, str]]:
    if not isinstance(version, str):
        return ()
    known = [one for release in versions().values() for one in release.releases]
    if version not in known:
        return [("version", f"ACK has no version {version}; write {' | '.join(known)}")]
    if minor_of(version) not in minors:
        return [("version", f"{version}: {cannot([one for one in minors if one in versions()])}")]
    return ()


def _log_project(account: Account, record: Record) -> str:
    """The control plane's log project: the named one, else one that ACK creates and leaves behind."""
    given = record.outputs.get("controlPlaneLogProject")
    if given or not record.outputs.get("controlPlaneLogComponents"):
        return given or ""
    name = f"k8s-log-{record.id}"
    if account.store.get(PROJECT, name) is None:
        account.create(PROJECT, f"alicloud ManagedKubernetes {record.id}", {"projectName": name}, account.scope)
    return name


def _rrsa(account: Account, record: Record) -> Mapping[str, Any]:
    if not record.outputs.get("enableRrsa"):
        return {"enabled": False, "ramOidcProviderArn": "", "ramOidcProviderName": "", "rrsaOidcIssuerUrl": ""}
    region, name = account.scope.region, f"ack-rrsa-{record.id}"
    return {
        "enabled": True,
        "ramOidcProviderArn": f"acs:ram::{account.scope.account}:oidc-provider/{name}",
        "ramOidcProviderName": name,
        "rrsaOidcIssuerUrl": f"https://oidc-ack-{region}.oss-{region}.aliyuncs.com/{record.id}",
    }


def _removed(cluster: str) -> str:
    return f"removed add-ons of {cluster}"


def _note_removed(store: Store, cluster: str, name: str, *, removed: bool) -> None:
    """Record that an add-on from the cluster's creation was uninstalled later, or installed again."""
    gone = set(store.setting(_removed(cluster)).split()) - {name}
    store.set(_removed(cluster), " ".join(sorted(gone | ({name} if removed else set[str]()))))
