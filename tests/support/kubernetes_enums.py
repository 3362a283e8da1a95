"""Values that fields of built-in Kubernetes kinds can take, which the published OpenAPI schemas leave open.

Source: the Kubernetes API reference, that is the `+enum` types, constants and comments of `types.go` in k8s.io/api
v0.36.1 (core/v1, apps/v1, batch/v1, networking/v1, policy/v1, rbac/v1, storage/v1) and k8s.io/apimachinery (meta/v1),
2026-11-21. Values behind feature gates that are off by default are left out.
"""

from collections.abc import Iterator, Mapping
from typing import Any

_LABEL_OPERATORS = ("In", "NotIn", "Exists", "DoesNotExist")
_NODE_OPERATORS = (*_LABEL_OPERATORS, "Gt", "Lt")
_PROFILES = ("Unconfined", "RuntimeDefault", "Localhost")

ENUMERATIONS: Mapping[tuple[str, str], tuple[str, ...]] = {
    # Containers and pods, in whatever kind has a template of them.
    ("*", "imagePullPolicy"): ("Always", "Never", "IfNotPresent"),
    ("*", "terminationMessagePolicy"): ("File", "FallbackToLogsOnError"),
    ("*", "restartPolicy"): ("Always", "OnFailure", "Never"),
    ("Deployment", "spec.template.spec.restartPolicy"): ("Always",),
    ("DaemonSet", "spec.template.spec.restartPolicy"): ("Always",),
    ("Job", "spec.template.spec.restartPolicy"): ("OnFailure", "Never"),
    ("*", "dnsPolicy"): ("ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"),
    ("*", "preemptionPolicy"): ("PreemptLowerPriority", "Never"),
    ("*", "mountPropagation"): ("None", "HostToContainer", "Bidirectional"),
    ("*", "httpGet.scheme"): ("HTTP", "HTTPS"),
    ("*", "ports[].protocol"): ("TCP", "UDP", "SCTP"),
    ("*", "emptyDir.medium"): ("", "Memory", "HugePages", "HugePages-2Mi", "HugePages-1Gi"),
    ("*", "hostPath.type"): (
        *("", "DirectoryOrCreate", "Directory", "FileOrCreate", "File"),
        *("Socket", "CharDevice", "BlockDevice"),
    ),
    ("*", "seccompProfile.type"): _PROFILES,
    ("*", "appArmorProfile.type"): _PROFILES,
    ("*", "fsGroupChangePolicy"): ("OnRootMismatch", "Always"),
    ("*", "supplementalGroupsPolicy"): ("Merge", "Strict"),
    # Scheduling.
    ("*", "tolerations[].operator"): ("Exists", "Equal"),
    ("*", "tolerations[].effect"): ("NoSchedule", "PreferNoSchedule", "NoExecute"),
    ("*", "topologySpreadConstraints[].whenUnsatisfiable"): ("DoNotSchedule", "ScheduleAnyway"),
    ("*", "nodeAffinityPolicy"): ("Ignore", "Honor"),
    ("*", "nodeTaintsPolicy"): ("Ignore", "Honor"),
    ("*", "nodeSelectorTerms[].matchExpressions[].operator"): _NODE_OPERATORS,
    ("*", "nodeSelectorTerms[].matchFields[].operator"): _NODE_OPERATORS,
    ("*", "preference.matchExpressions[].operator"): _NODE_OPERATORS,
    ("*", "matchLabelExpressions[].operator"): _LABEL_OPERATORS,
    ("*", "labelSelector.matchExpressions[].operator"): _LABEL_OPERATORS,
    ("*", "namespaceSelector.matchExpressions[].operator"): _LABEL_OPERATORS,
    ("*", "podSelector.matchExpressions[].operator"): _LABEL_OPERATORS,
    ("*", "selector.matchExpressions[].operator"): _LABEL_OPERATORS,
    # Workloads.
    ("Deployment", "spec.strategy.type"): ("Recreate", "RollingUpdate"),
    ("DaemonSet", "spec.updateStrategy.type"): ("RollingUpdate", "OnDelete"),
    ("StatefulSet", "spec.updateStrategy.type"): ("RollingUpdate", "OnDelete"),
    ("StatefulSet", "spec.podManagementPolicy"): ("OrderedReady", "Parallel"),
    ("Job", "spec.completionMode"): ("NonIndexed", "Indexed"),
    ("CronJob", "spec.concurrencyPolicy"): ("Allow", "Forbid", "Replace"),
    ("PodDisruptionBudget", "spec.unhealthyPodEvictionPolicy"): ("IfHealthyBudget", "AlwaysAllow"),
    # Network.
    ("Service", "spec.type"): ("ClusterIP", "NodePort", "LoadBalancer", "ExternalName"),
    ("Service", "spec.sessionAffinity"): ("ClientIP", "None"),
    ("Service", "spec.internalTrafficPolicy"): ("Cluster", "Local"),
    ("Service", "spec.externalTrafficPolicy"): ("Cluster", "Local"),
    ("Service", "spec.ipFamilies[]"): ("IPv4", "IPv6"),
    ("Service", "spec.ipFamilyPolicy"): ("SingleStack", "PreferDualStack", "RequireDualStack"),
    ("NetworkPolicy", "spec.policyTypes[]"): ("Ingress", "Egress"),
    ("Ingress", "paths[].pathType"): ("Exact", "Prefix", "ImplementationSpecific"),
    # Volumes.
    ("*", "accessModes[]"): ("ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany", "ReadWriteOncePod"),
    ("*", "volumeMode"): ("Block", "Filesystem"),
    ("StorageClass", "reclaimPolicy"): ("Delete", "Retain"),
    ("StorageClass", "volumeBindingMode"): ("Immediate", "WaitForFirstConsumer"),
    ("CSIDriver", "spec.fsGroupPolicy"): ("ReadWriteOnceWithFSType", "File", "None"),
    # Bounds and rights.
    ("LimitRange", "spec.limits[].type"): ("Pod", "Container", "PersistentVolumeClaim"),
    ("ResourceQuota", "spec.scopes[]"): (
        *("Terminating", "NotTerminating", "BestEffort", "NotBestEffort"),
        *("PriorityClass", "CrossNamespacePodAffinity", "VolumeAttributesClass"),
    ),
    ("RoleBinding", "subjects[].kind"): ("User", "Group", "ServiceAccount"),
    ("RoleBinding", "roleRef.kind"): ("Role", "ClusterRole"),
    ("ClusterRoleBinding", "subjects[].kind"): ("User", "Group", "ServiceAccount"),
    ("ClusterRoleBinding", "roleRef.kind"): ("ClusterRole",),
}
"""(Kind, or `*` for any; end of the field's path) to the values that the API server takes."""

_FREE = {"metadata", "data", "stringData", "parameters"}
"""Keys below which users name things as they like."""


def enumerated(manifest: Mapping[str, Any]) -> Iterator[tuple[tuple[str, str], str, str]]:
    """Every field of a built-in kind that has an enumeration: its row, its path and its value."""
    for path, value in _texts(manifest, ""):
        for kind, end in ENUMERATIONS:
            if kind in ("*", manifest["kind"]) and f".{path}".endswith(f".{end}"):
                yield (kind, end), path, value


def misspelt(manifest: Mapping[str, Any]) -> list[str]:
    """The enumerated fields whose value the API server would refuse."""
    return [
        f"{path}: '{value}' is none of {', '.join(ENUMERATIONS[row])}"
        for row, path, value in enumerated(manifest)
        if value not in ENUMERATIONS[row]
    ]


def _texts(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each, f"{path}[]")
    elif isinstance(value, Mapping):
        for key, each in value.items():
            if key not in _FREE:
                yield from _texts(each, f"{path}.{key}" if path else key)
