"""Pull rights of pods for an instance of Container Registry Enterprise Edition, by the credential helper.

The helper puts credentials into its configured namespaces and adds them to service accounts there, some seconds after
an account was created; a pod gets what its account has at admission, and nothing later. With the webhook an account has
them from its creation. Source: Container Registry user guide, "Use the passwordless component to pull images", how it
works, configuration and FAQ. The helper's delay is assumed.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from llmplatform_sandbox.cloud.alicloud.components import configuration
from llmplatform_sandbox.cloud.alicloud.names import ADDON, CLUSTER, LINK
from llmplatform_sandbox.cloud.store import Store

HELPER, WEBHOOK = "managed-aliyun-acr-credential-helper", "acr-credential-helper-webhook"
SECONDS = 2.0
"""Seconds until the helper has seen a new service account."""


def unpullable(store: Store, image: str, pod: Mapping[str, Any], account: Mapping[str, Any] | None) -> str:
    """Why a node may not pull an image for a pod; empty if it may. An instance without link or helper is open."""
    host = image.partition("/")[0]
    if not (host.endswith(".cr.aliyuncs.com") and host.partition(".")[0].endswith(("-registry", "-registry-vpc"))):
        return ""
    addons = _configured(store)
    if HELPER not in addons and not store.all(LINK):
        return ""
    refused = f'failed to pull image "{image}": authorization failed: no pull secret'
    settings, spec = addons.get(HELPER), pod["spec"]
    if spec.get("imagePullSecrets"):
        return ""
    if settings is None:
        return f"{refused}, and there is no credential helper"
    watched = str(settings.get("watchNamespace") or "default")
    namespace, user = pod["metadata"].get("namespace") or "", spec.get("serviceAccountName") or "default"
    if watched != "all" and namespace not in watched.split(","):
        return f"{refused}: the credential helper does not watch namespace {namespace}"
    users = str(settings.get("serviceAccount") or "default")
    if users != "*" and user not in users.split(","):
        return f"{refused}: the credential helper is not for service account {user}"
    if WEBHOOK not in addons and account is not None and _age(pod, account) < SECONDS:
        return f"{refused}: the pod was made before the credential helper saw its service account"
    return ""


def _configured(store: Store) -> Mapping[str, Mapping[str, Any]]:
    born = [one for cluster in store.all(CLUSTER) for one in cluster.inputs.get("addons") or []]
    found = {one["name"]: configuration(one.get("config")) for one in born if not one.get("disabled")}
    return found | {one.outputs["name"]: configuration(one.outputs.get("config")) for one in store.all(ADDON)}


def _age(pod: Mapping[str, Any], account: Mapping[str, Any]) -> float:
    """Age of a service account, in seconds, when the pod was created."""
    made, there = (_moment(each) for each in (pod, account))
    return (made - there).total_seconds() if made and there else SECONDS


def _moment(thing: Mapping[str, Any]) -> datetime | None:
    text = (thing.get("metadata") or {}).get("creationTimestamp")
    return datetime.fromisoformat(text) if isinstance(text, str) else None
