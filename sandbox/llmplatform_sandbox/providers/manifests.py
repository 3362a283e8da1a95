"""Kubernetes manifests as resource properties: names, namespaces, secrets, and the engine's view of a live object."""

import hashlib
import re
from collections.abc import Mapping
from typing import Any, Final

import yaml

from llmplatform_sandbox.kube.quantities import amount
from llmplatform_sandbox.kube.readiness import DEFAULT_TIMEOUT
from llmplatform_sandbox.providers.outcomes import Autonaming
from llmplatform_sandbox.providers.values import UNKNOWN, Secret, contains_secret, secret, unwrap_secrets

Values = dict[str, Any]

AUTONAMED: Final = "pulumi.com/autonamed"
SKIP_AWAIT: Final = "pulumi.com/skipAwait"
TIMEOUT: Final = "pulumi.com/timeoutSeconds"
PATCH_FORCE: Final = "pulumi.com/patchForce"
PATCH_MANAGER: Final = "pulumi.com/patchFieldManager"
PROPAGATION: Final = "pulumi.com/deletionPropagationPolicy"
REPLACE_UNREADY: Final = "pulumi.com/replaceUnready"
UNREADY_PATH: Final = f'metadata.annotations["{REPLACE_UNREADY}"]'
"""The provider's reason for such a replacement."""

_CLUSTER_SCOPED = """
Namespace Node PersistentVolume ComponentStatus CustomResourceDefinition APIService ClusterRole
ClusterRoleBinding StorageClass CSIDriver CSINode VolumeAttachment VolumeAttributesClass PriorityClass
RuntimeClass IngressClass IPAddress ServiceCIDR FlowSchema PriorityLevelConfiguration
MutatingWebhookConfiguration ValidatingWebhookConfiguration ValidatingAdmissionPolicy
ValidatingAdmissionPolicyBinding MutatingAdmissionPolicy MutatingAdmissionPolicyBinding
CertificateSigningRequest ClusterTrustBundle DeviceClass ResourceSlice TokenReview SubjectAccessReview
"""
CLUSTER_SCOPED: Final = frozenset(
    # Kinds without a namespace, for the time without a cluster; from the API reference of Kubernetes 1.35.
    _CLUSTER_SCOPED.split()
)
_GROUPS = """
admissionregistration apiextensions apiregistration authentication authorization certificates coordination
discovery events flowcontrol.apiserver networking node rbac.authorization resource scheduling storage
storagemigration
"""
BUILT_IN_GROUPS: Final = frozenset({"", "apps", "autoscaling", "batch", "policy"}) | {
    f"{group}.k8s.io" for group in _GROUPS.split()
}
_TOKEN: Final = re.compile(r"^kubernetes:(?P<version>[^:]+):(?P<kind>[A-Za-z0-9]+)$")


def kind_of(typ: str, values: Mapping[str, Any]) -> tuple[str, str]:
    """(apiVersion, kind) from the properties, else from the type token. Raises `ValueError` on one without."""
    api_version, kind = values.get("apiVersion"), values.get("kind")
    if isinstance(api_version, str) and isinstance(kind, str):
        return api_version, kind
    match = _TOKEN.match(typ)
    if not match:
        raise ValueError(f"{typ}: not a kind of the Kubernetes API")
    version = match["version"].removeprefix("core/")
    return version, match["kind"].removesuffix("Patch") if is_patch(typ) else match["kind"]


def built_in_scope(api_version: str, kind: str) -> bool | None:
    """Whether a built-in kind is namespaced; None for a custom resource, whose CRD decides."""
    return kind not in CLUSTER_SCOPED if api_version.rpartition("/")[0] in BUILT_IN_GROUPS else None


def is_patch(typ: str) -> bool:
    """Whether the type token is that of a Patch resource (`kubernetes:apps/v1:DaemonSetPatch`)."""
    return typ.endswith("Patch")


def named(news: Values, olds: Values, naming: Autonaming) -> tuple[Values, str | None]:
    """Inputs with `metadata.name` set. Returns them and failures."""
    metadata = news.get("metadata")
    if metadata is UNKNOWN or isinstance(metadata, Secret):
        return news, None
    metadata = dict(metadata or {})
    if metadata.get("name") or metadata.get("generateName"):
        return news, None
    old = unwrap_secrets(olds.get("metadata") or {})
    old = old if isinstance(old, dict) else {}
    kept = old.get("name") if (old.get("annotations") or {}).get(AUTONAMED) == "true" else None
    name = naming.pick(kept)
    if name is None:
        return news, "metadata.name: missing, and the project turns autonaming off; give a name"
    annotations = metadata.get("annotations")
    marked = {**(annotations if isinstance(annotations, dict) else {}), AUTONAMED: "true"}
    return {**news, "metadata": {**metadata, "name": name, "annotations": marked}}, None


def in_namespace(values: Values, olds: Values, namespaced: bool | None, default: str) -> Values:
    """Inputs with the default namespace if a namespaced kind has none. `namespaced` None: as before."""
    metadata = values.get("metadata")
    if not isinstance(metadata, dict) or metadata.get("namespace"):
        return values
    if namespaced is None:
        old = unwrap_secrets(olds.get("metadata"))
        namespaced = isinstance(old, dict) and bool(old.get("namespace"))
    if not namespaced:
        return values
    return {**values, "metadata": {**metadata, "namespace": default}}


def id_of(obj: Mapping[str, Any]) -> str:
    """`namespace/name`, or the name of an object without a namespace."""
    metadata = obj["metadata"]
    return f"{metadata['namespace']}/{metadata['name']}" if metadata.get("namespace") else str(metadata["name"])


def visible(values: Values) -> Values:
    """Properties without those of the engine and the provider."""
    return {key: value for key, value in values.items() if not key.startswith("__")}


def identity(values: Values) -> tuple[Any, Any]:
    """(name, namespace) of inputs."""
    metadata = unwrap_secrets(values.get("metadata"))
    metadata = metadata if isinstance(metadata, dict) else {}
    return metadata.get("name"), metadata.get("namespace") or "default"


def described(obj: Mapping[str, Any]) -> str:
    """`Deployment default/web`, for messages."""
    return f"{obj['kind']} {id_of(obj)}"


def body_of(inputs: Values) -> Values:
    """The body for the API server: the inputs in clear, without the engine's own keys. Never log it."""
    return {key: value for key, value in unwrap_secrets(inputs).items() if not key.startswith("__")}


def annotation(values: Mapping[str, Any], key: str) -> str:
    """An annotation's text, or "" if it is missing or unknown."""
    metadata = values.get("metadata")
    annotations = metadata.get("annotations") if isinstance(metadata, Mapping) else None
    found = annotations.get(key) if isinstance(annotations, Mapping) else None
    return found if isinstance(found, str) else ""


def patience(values: Mapping[str, Any], timeout: float) -> float:
    """Seconds to wait for an object: the resource's own `timeout`, or the annotation, or the default."""
    said = annotation(values, TIMEOUT)
    return timeout or (float(said) if said.isdecimal() else DEFAULT_TIMEOUT)


def manager_for(urn: str, inputs: Mapping[str, Any], outputs: Mapping[str, Any]) -> str:
    """The field manager of a resource: as before, as annotated, or one of its own."""
    return (
        outputs.get("__fieldManager")
        or annotation(inputs, PATCH_MANAGER)
        or f"pulumi-kubernetes-{hashlib.sha256(urn.encode()).hexdigest()[:8]}"
    )


def secretive(values: Values, kind: str) -> Values:
    """Inputs or outputs of a Secret with its data marked as secret."""
    if kind != "Secret":
        return values
    return {k: secret(v) if k in ("data", "stringData") and v is not UNKNOWN else v for k, v in values.items()}


def outputs_of(live: Mapping[str, Any], inputs: Values, manager: str, initial: str = "") -> Values:
    """What the state holds of a live object: all of it, and what it was made from.

    `initial`: the API version that it was created with, its own by default.
    Source: pulumi-kubernetes, provider/pkg/provider/provider.go, `checkpointObject`.
    """
    given = visible(inputs)
    return {
        **annotated(live, given),
        "__inputs": annotated(given, given),
        "__initialApiVersion": initial or given.get("apiVersion") or live["apiVersion"],
        "__fieldManager": manager,
    }


def annotated(outputs: Mapping[str, Any], inputs: Mapping[str, Any]) -> Values:
    """Outputs with secret what is secret in the inputs: a list as a whole, of a Secret its data and nothing else.

    Source: pulumi-kubernetes, provider/pkg/provider/provider.go, `annotateSecrets`.
    """
    if outputs.get("kind") == "Secret":
        return secretive(unwrap_secrets(outputs), "Secret")
    marked: Values = {}
    for key, value in outputs.items():
        given = inputs.get(key)
        if isinstance(value, Mapping) and isinstance(given, Mapping):
            marked[key] = annotated(value, given)
        else:
            marked[key] = secret(value) if contains_secret(given) else value
    return marked


_DECIDED: Final = frozenset({"creationTimestamp", "generation", "managedFields", "resourceVersion", "uid"})
_WRITTEN_BY_OTHERS: Final = frozenset(
    {"deployment.kubernetes.io/revision", "kubectl.kubernetes.io/last-applied-configuration"}
)


def imported(live: Mapping[str, Any]) -> Values:
    """Inputs of an object that no program has described: what lives, without what the API server alone decides.

    Source: pulumi-kubernetes, provider/pkg/provider/provider.go, `Read` (`readFromCluster`).
    """
    metadata = {key: value for key, value in live["metadata"].items() if key not in _DECIDED}
    if "annotations" in metadata:
        kept = {key: value for key, value in metadata["annotations"].items() if key not in _WRITTEN_BY_OTHERS}
        metadata["annotations"] = kept
    inputs = {key: value for key, value in live.items() if key != "status"}
    return secretive({**inputs, "metadata": metadata}, live["kind"])


def preview_of(inputs: Values, old_outputs: Values, kind: str) -> Values:
    """The outputs of a preview: the inputs; the API server's own values are unknown, or as before."""
    metadata, old = inputs.get("metadata"), old_outputs.get("metadata")
    outputs = {**inputs}
    if isinstance(metadata, dict):
        decided = ("uid", "resourceVersion", "generation", "creationTimestamp")
        old = old if isinstance(old, dict) else {}
        outputs["metadata"] = {**{key: old.get(key, UNKNOWN) for key in decided}, **metadata}
    spec = inputs.get("spec")
    if kind == "Service" and isinstance(spec, dict):
        known = old_outputs.get("spec")
        known = known if isinstance(known, dict) else {}
        outputs["spec"] = {**{key: known.get(key, UNKNOWN) for key in ("clusterIP", "clusterIPs")}, **spec}
    outputs["status"] = old_outputs.get("status", UNKNOWN)
    known = {key: value for key, value in old_outputs.items() if key in ("__initialApiVersion", "__fieldManager")}
    return secretive({**outputs, **known}, kind)


def live_inputs(inputs: Any, live: Any) -> Any:
    """The live values of the fields that the program sets.

    An equal value (a quantity in another spelling) stays as the program wrote it.
    """
    if isinstance(inputs, Secret):
        return secret(live_inputs(inputs.value, live))
    if isinstance(inputs, Mapping) and isinstance(live, Mapping):
        return {key: live_inputs(value, live[key]) for key, value in inputs.items() if key in live}
    if isinstance(inputs, list) and isinstance(live, list):
        if len(inputs) > len(live):
            return [live_inputs(inputs[i], value) for i, value in enumerate(live)]
        return [live_inputs(value, live[i]) for i, value in enumerate(inputs)]
    return inputs if _same(inputs, live) else live


def _same(left: Any, right: Any) -> bool:
    return left == right or (amount(left) is not None and amount(left) == amount(right))


def managers(live: Mapping[str, Any]) -> set[str]:
    """The field managers of a live object."""
    return {entry.get("manager", "") for entry in live["metadata"].get("managedFields", [])}


def servers(args: Values) -> Any:
    """The API servers in a provider's kubeconfig; the text itself if it is not YAML (a path, for example)."""
    text = unwrap_secrets(args.get("kubeconfig"))
    try:
        return [cluster["cluster"]["server"] for cluster in yaml.safe_load(text)["clusters"]]
    except (yaml.YAMLError, TypeError, KeyError, AttributeError):
        return text
