"""A REST client for a Kubernetes API server: discovery, server-side apply, get, list, watch, delete.

Thread-safe. Client certificates come from the administrator's kubeconfig. It waits for a restarting server; every other
refusal raises `KubeError`. Objects are plain dicts, as the API returns them.
"""

import base64
import json
import ssl
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import yaml

from llmplatform_sandbox.interfaces import KubeAccess
from llmplatform_sandbox.kube.errors import KubeError, UnknownKind

Object = dict[str, Any]

_PATIENCE = 60.0
"""Seconds to wait for an API server that refuses connections: a restart needs about 4, or 20 on a busy machine."""
_ANSWER, _ANSWER_TO_SCHEMAS = 30.0, 180.0
"""Seconds. A CRD of two megabytes, such as KServe's, takes the API server four of processor time."""
_APPLY = "application/apply-patch+yaml"
_REPEATABLE = frozenset({"GET", "DELETE", "PATCH", "PUT"})


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind that the API server serves."""

    api_version: str
    kind: str
    plural: str
    namespaced: bool

    def path(self, namespace: str | None = None, name: str | None = None, subresource: str | None = None) -> str:
        """The URL path of the kind's collection, of one object, or of an object's subresource."""
        group = self.api_version
        parts = [f"/apis/{group}" if "/" in group else f"/api/{group}"]
        if self.namespaced and namespace:
            parts.append(f"namespaces/{quote(namespace)}")
        parts.append(self.plural)
        if name:
            parts.append(quote(name, safe=""))
        if subresource:
            parts.append(subresource)
        return "/".join(parts)


class Kube:
    """The cluster. `transport` replaces the network in tests."""

    def __init__(self, access: KubeAccess, transport: httpx.BaseTransport | None = None) -> None:
        self._http = httpx.Client(
            base_url=access.server,
            verify=True if transport else _tls(access),
            transport=transport,
            timeout=httpx.Timeout(_ANSWER, connect=5),
            limits=httpx.Limits(max_connections=512, max_keepalive_connections=128, keepalive_expiry=30),
            headers={"Accept": "application/json", "User-Agent": "llmplatform-sandbox"},
            trust_env=False,
        )
        self._kinds: dict[str, dict[str, Kind]] = {}
        self._lock = threading.Lock()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    # Discovery -------------------------------------------------------------------------------------------------------

    def kind(self, api_version: str, kind: str) -> Kind:
        """How a kind is served. An unknown kind is asked for again, so a new CRD is found. Raises `UnknownKind`."""
        known = self._kinds.get(api_version, {}).get(kind)
        if known:
            return known
        path = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
        try:
            listing = self.request("GET", path)
        except KubeError as error:
            if error.not_found:
                raise UnknownKind(api_version, kind) from None
            raise
        kinds = {
            entry["kind"]: Kind(
                api_version=api_version, kind=entry["kind"], plural=entry["name"], namespaced=entry["namespaced"]
            )
            for entry in listing["resources"]
            if "/" not in entry["name"]
        }
        with self._lock:
            self._kinds[api_version] = kinds
        if kind not in kinds:
            raise UnknownKind(api_version, kind)
        return kinds[kind]

    # Objects ---------------------------------------------------------------------------------------------------------

    def get(self, api_version: str, kind: str, name: str, namespace: str | None = None) -> Object | None:
        """One object, or None."""
        try:
            return self.request("GET", self.kind(api_version, kind).path(namespace, name))
        except KubeError as error:
            if error.not_found:
                return None
            raise

    def list(
        self, api_version: str, kind: str, namespace: str | None = None, *, cached: bool = False, **query: str
    ) -> list[Object]:
        """Objects of a kind; none for a kind that the cluster does not have.

        `cached` asks the API server's watch cache, which is cheap and may lag a moment. `query`: labelSelector,
        fieldSelector.
        """
        params = {**query, **({"resourceVersion": "0"} if cached else {})}
        try:
            found = self.request("GET", self.kind(api_version, kind).path(namespace), params=params)
        except KubeError as error:
            if error.not_found:
                return []
            raise
        return [{"apiVersion": api_version, "kind": kind, **item} for item in found["items"]]

    def apply(
        self,
        obj: Mapping[str, Any],
        *,
        manager: str,
        force: bool = True,
        dry_run: bool = False,
        subresource: str | None = None,
    ) -> Object:
        """Server-side apply with strict field validation. Returns the live object."""
        kind = self.kind(obj["apiVersion"], obj["kind"])
        metadata = obj["metadata"]
        params = {"fieldManager": manager, "fieldValidation": "Strict", "force": str(force).lower()}
        if dry_run:
            params["dryRun"] = "All"
        path = kind.path(metadata.get("namespace") or "default", metadata["name"], subresource)
        try:
            return self._apply(path, params, obj)
        except KubeError as error:
            # The kind was known but is gone or has changed (a deleted and recreated CRD).
            if not error.not_found or error.details.get("kind") in ("namespaces", kind.plural):
                raise
            self._kinds.pop(kind.api_version, None)
            path = self.kind(kind.api_version, kind.kind).path(
                metadata.get("namespace") or "default", metadata["name"], subresource
            )
            return self._apply(path, params, obj)

    def apply_text(self, api_version: str, kind: str, name: str, text: str, *, manager: str) -> Object:
        """Server-side apply of a cluster-scoped object in YAML text, which the API server parses."""
        params = {"fieldManager": manager, "fieldValidation": "Strict", "force": "true"}
        path = self.kind(api_version, kind).path(None, name)
        return self.request(
            "PATCH", path, params=params, content=text.encode(), content_type=_APPLY, seconds=_ANSWER_TO_SCHEMAS
        )

    def create(self, obj: Mapping[str, Any]) -> Object:
        """Create; refuses an existing object (409)."""
        kind = self.kind(obj["apiVersion"], obj["kind"])
        return self.request("POST", kind.path(obj["metadata"].get("namespace") or "default"), body=obj)

    def patch(
        self,
        obj: Mapping[str, Any],
        change: Mapping[str, Any],
        *,
        subresource: str | None = None,
        strategic: bool = False,
    ) -> Object:
        """Merge patch of an existing object. Lists are replaced as a whole.

        With `strategic` (built-in kinds only) lists of named entries, such as conditions, are merged by their key.
        """
        metadata = obj["metadata"]
        path = self.kind(obj["apiVersion"], obj["kind"]).path(metadata.get("namespace"), metadata["name"], subresource)
        content_type = f"application/{'strategic-merge' if strategic else 'merge'}-patch+json"
        return self.request("PATCH", path, body=change, content_type=content_type)

    def delete(self, obj: Mapping[str, Any], *, propagation: str = "Background") -> bool:
        """Ask for deletion. False if the object (or its kind) does not exist. Does not wait."""
        metadata = obj["metadata"]
        try:
            path = self.kind(obj["apiVersion"], obj["kind"]).path(metadata.get("namespace"), metadata["name"])
            self.request("DELETE", path, body={"propagationPolicy": propagation})
        except KubeError as error:
            if error.not_found:
                return False
            raise
        return True

    def watch(
        self, api_version: str, kind: str, namespace: str | None = None, *, seconds: int, **query: str
    ) -> Iterator[tuple[str, Object]]:
        """Events (ADDED, MODIFIED, DELETED) as (type, object) for a while. Ends early if the server stops."""
        params = {**query, "watch": "true", "timeoutSeconds": str(seconds)}
        path = self.kind(api_version, kind).path(namespace)
        try:
            with self._http.stream(
                "GET", path, params=params, timeout=httpx.Timeout(seconds + 10, connect=5)
            ) as response:
                if response.status_code >= 400:
                    return
                for line in response.iter_lines():
                    event = json.loads(line)
                    if event["type"] == "ERROR":
                        return
                    yield event["type"], event["object"]
        except (httpx.TransportError, json.JSONDecodeError):
            return

    # Transport -------------------------------------------------------------------------------------------------------

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: Any = None,
        content: bytes | None = None,
        content_type: str = "application/json",
        busy: bool = False,
        seconds: float = _ANSWER,
    ) -> Any:
        """One call, answered in `seconds`. Waits for a server that is not ready; for a busy one unless `busy`."""
        content = content if body is None else json.dumps(body).encode()
        headers = {} if content is None else {"Content-Type": content_type}
        deadline, wait = time.monotonic() + max(_PATIENCE, seconds), httpx.Timeout(seconds, connect=5)
        while True:
            try:
                response = self._http.request(
                    method, path, params=params, content=content, headers=headers, timeout=wait
                )
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                # Nothing was sent: any method may try again.
                failure: Exception = error
            except httpx.TransportError as error:
                if method not in _REPEATABLE:
                    raise KubeError(0, "Unreachable", f"the API server went away during {method} {path}") from error
                failure = error
            else:
                if response.status_code < 400:
                    return response.json() if response.content else {}
                error = KubeError.from_status(response.status_code, _json(response), response.text)
                # After 34 s it gives up (k8s.io/apiserver v0.35.5, handlers/rest.go, requestTimeoutUpperBound).
                late = response.status_code == 504 and method in _REPEATABLE
                if not late and not _starting(error) and (busy or response.status_code != 429):
                    raise error
                failure = error
            if time.monotonic() > deadline:
                raise KubeError(
                    0, "Unreachable", f"the API server does not answer: {type(failure).__name__}"
                ) from failure
            time.sleep(0.2)

    def _apply(self, path: str, params: Mapping[str, str], obj: Mapping[str, Any]) -> Object:
        return self.request("PATCH", path, params=params, body=obj, content_type=_APPLY)


def _starting(error: KubeError) -> bool:
    """Answers of an API server in the seconds around its start."""
    return error.code == 503 or (error.code == 403 and "not yet ready" in str(error))


def _json(response: httpx.Response) -> Any:
    try:
        return response.json()
    except json.JSONDecodeError:
        return None


def _tls(access: KubeAccess) -> ssl.SSLContext:
    """TLS with the client certificate of the kubeconfig's current context (files, or inline data)."""
    config = yaml.safe_load(access.kubeconfig.read_text())
    contexts = {entry["name"]: entry["context"] for entry in config["contexts"]}
    users = {entry["name"]: entry["user"] for entry in config["users"]}
    user = users[contexts[config["current-context"]]["user"]]
    context = ssl.create_default_context(cadata=access.ca_pem)
    if "client-certificate" in user:
        context.load_cert_chain(user["client-certificate"], user["client-key"])
        return context
    with tempfile.TemporaryDirectory(prefix="kube-client-") as folder:
        for key in ("client-certificate-data", "client-key-data"):
            file = Path(folder, key)
            file.touch(mode=0o600)
            file.write_bytes(base64.b64decode(user[key]))
        context.load_cert_chain(Path(folder, "client-certificate-data"), Path(folder, "client-key-data"))
    return context
