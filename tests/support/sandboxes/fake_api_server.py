"""An API server in memory, behind a real client: discovery, apply, patches, lists, watches that end at once."""

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import httpx
import yaml

from llmplatform_sandbox.interfaces import KubeAccess
from llmplatform_sandbox.kube.client import Kube

Object = dict[str, Any]

ACCESS = KubeAccess(server="https://api.invalid", ca_pem="", kubeconfig=Path("unused"))
KINDS: Mapping[str, Mapping[str, tuple[str, bool]]] = {
    "v1": {
        "ConfigMap": ("configmaps", True), "Secret": ("secrets", True), "Namespace": ("namespaces", False),
        "Node": ("nodes", False), "Pod": ("pods", True), "Service": ("services", True),
        "ServiceAccount": ("serviceaccounts", True), "PersistentVolume": ("persistentvolumes", False),
        "PersistentVolumeClaim": ("persistentvolumeclaims", True),
    },
    "admissionregistration.k8s.io/v1": {
        "MutatingWebhookConfiguration": ("mutatingwebhookconfigurations", False),
        "ValidatingWebhookConfiguration": ("validatingwebhookconfigurations", False),
    },
    "apiregistration.k8s.io/v1": {"APIService": ("apiservices", False)},
    "apps/v1": {
        "DaemonSet": ("daemonsets", True), "Deployment": ("deployments", True), "StatefulSet": ("statefulsets", True),
    },
    "apiextensions.k8s.io/v1": {"CustomResourceDefinition": ("customresourcedefinitions", False)},
    "batch/v1": {"Job": ("jobs", True)},
    "cert-manager.io/v1": {
        "Certificate": ("certificates", True), "CertificateRequest": ("certificaterequests", True),
        "ClusterIssuer": ("clusterissuers", False), "Issuer": ("issuers", True),
    },
    "discovery.k8s.io/v1": {"EndpointSlice": ("endpointslices", True)},
    "storage.k8s.io/v1": {"StorageClass": ("storageclasses", False)},
}  # fmt: skip
_PATH = re.compile(r"^/apis?/(?P<rest>.*)$")


class FakeApiServer:
    """Objects by (apiVersion, plural, namespace, name). `namespaces` that do not exist are refused."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str, str, str], Object] = {}
        self.requests: list[httpx.Request] = []
        self.served = {version: dict(kinds) for version, kinds in KINDS.items()}
        self.refuse: Callable[[str, Object], tuple[int, Object] | None] = lambda method, body: None
        """A test's own admission: (method, body) → (HTTP code, Status) or None."""
        self.on_apply: Callable[[Object], None] = lambda obj: None
        """What the controllers do with an object as soon as it is there."""
        self._serial = 0
        self.kube = Kube(ACCESS, transport=httpx.MockTransport(self._handle))
        for name in ("default", "apps", "cert-manager"):
            self.add("v1", "Namespace", name, status={"phase": "Active"})

    def add(self, api_version: str, kind: str, name: str, namespace: str = "", **rest: Any) -> Object:
        metadata = {"name": name, **({"namespace": namespace} if namespace else {}), **rest.pop("metadata", {})}
        obj = {"apiVersion": api_version, "kind": kind, "metadata": metadata, **rest}
        return self._store(api_version, self.served[api_version][kind][0], obj)

    def one(self, api_version: str, kind: str, name: str, namespace: str = "") -> Object | None:
        return self.objects.get((api_version, self.served[api_version][kind][0], namespace, name))

    def _store(self, version: str, plural: str, obj: Object) -> Object:
        self._serial += 1
        metadata = obj["metadata"]
        metadata.setdefault("uid", f"uid-{self._serial}")
        metadata["resourceVersion"] = str(self._serial)
        self.objects[(version, plural, metadata.get("namespace", ""), metadata["name"])] = obj
        return obj

    def _handle(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        path = _PATH.match(request.url.path)
        assert path is not None, f"{request.url.path}: no path of the Kubernetes API"
        parts = path["rest"].split("/")
        version = parts.pop(0) if request.url.path.startswith("/api/") else f"{parts.pop(0)}/{parts.pop(0)}"
        if version not in self.served:
            return _status(404, "NotFound", "the server could not find the requested resource")
        if not parts:
            return httpx.Response(200, json={"resources": [
                {"name": plural, "kind": kind, "namespaced": namespaced}
                for kind, (plural, namespaced) in self.served[version].items()
            ]})  # fmt: skip
        namespace = ""
        if parts[0] == "namespaces" and len(parts) > 2:
            namespace, parts = parts[1], parts[2:]
        plural, name = parts[0], parts[1] if len(parts) > 1 else ""
        namespaced = dict(self.served[version].values()).get(plural)
        if namespaced is None:
            return _status(404, "NotFound", "the server could not find the requested resource")
        return self._on_object(request, version, plural, namespace if namespaced else "", name)

    def _on_object(
        self, request: httpx.Request, version: str, plural: str, namespace: str, name: str
    ) -> httpx.Response:
        body = _body(request)
        refused = self.refuse(request.method, body)
        if refused:
            return httpx.Response(refused[0], json=refused[1])
        key = (version, plural, namespace, name)
        live = self.objects.get(key)
        if request.method == "GET" and not name:
            return self._list(request, version, plural, namespace)
        if request.method == "POST":
            name = body["metadata"]["name"]
            if (version, plural, namespace, name) in self.objects:
                return _status(409, "AlreadyExists", f"{name} already exists")
            return httpx.Response(201, json=self._store(version, plural, body))
        if request.method == "PATCH" and "apply-patch" in request.headers["Content-Type"]:
            return self._apply(request, key, body, live)
        if live is None:
            return _status(404, "NotFound", f'{plural} "{name}" not found', {"name": name, "kind": plural})
        if request.method == "PATCH":
            uid = body.get("metadata", {}).get("uid")
            if uid and uid != live["metadata"]["uid"]:
                return _status(409, "Conflict", "uid mismatch")
            body.get("metadata", {}).pop("resourceVersion", None)
            _merge(live, body, strategic="strategic" in request.headers["Content-Type"])
            self._store(version, plural, live)
        if request.method == "DELETE":
            if live["metadata"].get("finalizers"):
                live["metadata"]["deletionTimestamp"] = "2026-11-21T00:00:00Z"
            else:
                del self.objects[key]
        if live["metadata"].get("deletionTimestamp") and not live["metadata"].get("finalizers"):
            self.objects.pop(key, None)
        return httpx.Response(200, json=live)

    def _apply(
        self, request: httpx.Request, key: tuple[str, str, str, str], body: Object, live: Object | None
    ) -> httpx.Response:
        version, plural, namespace, name = key
        if namespace and ("v1", "namespaces", "", namespace) not in self.objects:
            return _status(
                404, "NotFound", f'namespaces "{namespace}" not found', {"name": namespace, "kind": "namespaces"}
            )
        made = json.loads(json.dumps(live)) if live else {"metadata": {"name": name}}
        _merge(made, body, strategic=False)
        if namespace:
            made["metadata"]["namespace"] = namespace
        manager = request.url.params["fieldManager"]
        owners = [one for one in made["metadata"].get("managedFields", []) if one["manager"] != manager]
        made["metadata"]["managedFields"] = [*owners, {"manager": manager}]
        if request.url.params.get("dryRun"):
            return httpx.Response(200, json=made)
        stored = self._store(version, plural, made)
        self.on_apply(stored)
        return httpx.Response(200, json=stored)

    def _list(self, request: httpx.Request, version: str, plural: str, namespace: str) -> httpx.Response:
        if request.url.params.get("watch"):
            return httpx.Response(200, content=b"")
        found = [
            obj
            for (one, kind, where, _), obj in self.objects.items()
            if (one, kind) == (version, plural) and namespace in ("", where)
        ]
        for text in filter(None, request.url.params.get("labelSelector", "").split(",")):
            label, _, value = text.partition("=")
            label, unequal = label.removesuffix("!"), label.endswith("!")
            found = [obj for obj in found if (obj["metadata"].get("labels", {}).get(label) == value) != unequal]
        if request.url.params.get("fieldSelector") == "status.phase=Pending":
            found = [obj for obj in found if obj.get("status", {}).get("phase") == "Pending"]
        return httpx.Response(200, json={"items": found})


def refusal(code: int, message: str, **details: Any) -> tuple[int, Object]:
    """A Status as the API server would send it."""
    return code, {"kind": "Status", "code": code, "message": message, "details": details}


def _body(request: httpx.Request) -> Object:
    try:
        return json.loads(request.content or b"{}")
    except json.JSONDecodeError:
        return yaml.safe_load(request.content)


def _status(code: int, reason: str, message: str, details: Object | None = None) -> httpx.Response:
    body = {"kind": "Status", "code": code, "reason": reason, "message": message, "details": details or {}}
    return httpx.Response(code, json=body)


def _merge(live: Object, change: Mapping[str, Any], *, strategic: bool) -> None:
    for key, value in change.items():
        if value is None:
            live.pop(key, None)
        elif isinstance(value, dict):
            _merge(live.setdefault(key, {}), value, strategic=strategic)
        elif strategic and key == "conditions":
            types = {one["type"]: one for one in live.get(key, [])}
            for one in value:
                types[one["type"]] = {**types.get(one["type"], {}), **one}
            live[key] = list(types.values())
        else:
            live[key] = value
