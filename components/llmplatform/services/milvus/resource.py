"""The resource `Milvus`, from which milvus-operator makes Deployments, a ConfigMap, a Service and an etcd.

The operator writes its defaults into the resource as well, and removes addresses from `config`: what it changes is not
set here, so that both stay owners of their own fields. Its ConfigMap is plain: no secret may be in `config`.
The log of writes is Woodpecker, in the bucket, with its metadata in etcd. It is the default of the operator's
standalone since Milvus 2.6; its default for a cluster is still Pulsar, about ten pods with disks of their own. A change
to another log is a migration. Sources: zilliztech/milvus-operator v1.3.8, apis/milvus.io/v1beta1
(`setDefaultMsgStreamType`, `deleteUnsettableConf`), pkg/controllers/configmaps.go, deployment_updater.go; Milvus 2.6,
configs/milvus.yaml; internal/distributed/proxy/listener_manager.go (TLS and REST share no port).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi

from llmplatform.base.contracts import ObjectStore
from llmplatform.catalog.versions import MILVUS_ETCD_IMAGE, MILVUS_IMAGE
from llmplatform.planning.milvus import LOCAL_GIB, SEGMENT_MIB, MilvusPlan, Part
from llmplatform.planning.pools import PoolPlan, placed
from llmplatform.specs.mirrors import Mirrors
from llmplatform.specs.services import Milvus as Spec

NAME = "milvus"
"""Name of the resource, and the beginning of all names that the operator gives."""
PORT, METRICS_PORT, ETCD_METRICS_PORT = 19530, 9091, 2381
"""Port of clients, that of metrics and management, and that of etcd's metrics."""
REST_PORT = 8081
"""Port of the REST API with TLS; without TLS it is that of clients."""
ROOT_SECRET, USER_KEY, PASSWORD_KEY = "milvus-root", "username", "password"
CERTIFICATE = "milvus-tls"
PASSWORD_VARIABLE = "COMMON_SECURITY_DEFAULTROOTPASSWORD"  # noqa: S105 name of a variable
"""Setting `common.security.defaultRootPassword` as the environment spells it, which is read after files (milvus,
pkg/config/env_source.go)."""
DISK_VARIABLE = "LOCAL_STORAGE_SIZE"
"""GiB that a query node may fill with indexes and raw vectors; it refuses what does not fit. Without it, it counts on
the whole disk of its node (milvus, pkg/util/paramtable/component_param.go, `DiskCapacityLimit`)."""
DATA, CERTIFICATES = "/milvus/data", "/milvus/certificates"

ETCD_METRICS: Mapping[str, Any] = {
    # Prometheus finds a pod by the ports that it declares: `client` and `peer` (etcd chart 8.12.0,
    # templates/statefulset.yaml).
    "port": "client",
    "relabelings": [
        {
            "action": "replace",
            "sourceLabels": ["__meta_kubernetes_pod_ip"],
            "regex": "(.+)",
            "replacement": f"$1:{ETCD_METRICS_PORT}",
            "targetLabel": "__address__",
        }
    ],
}
"""Where a PodMonitor reads etcd."""

_CREATES_ROOT = ("mixCoord", "standalone")
"""Parts that create the first user: the root coordinator."""
_SERVES = ("proxy", "standalone")
_MOST_ROLES, _MOST_USERS = 500, 1000
"""Milvus counts `admin` and `public`, and `root`, and has 10 and 100 by default (milvus v2.6, internal/rootcoord/
meta_table.go, pkg/util/paramtable/component_param.go, `MaxRoleNum`, `MaxUserNum`). The settings have at most 100 of
each, a user has two logins, and all of them may get other names at once. A fixed number: a change restarts Milvus."""
_HOST, _ZONE = "kubernetes.io/hostname", "topology.kubernetes.io/zone"


@dataclass(frozen=True, kw_only=True)
class Wiring:
    """What the resource refers to."""

    store: ObjectStore
    storage_class: pulumi.Input[str] | None
    environment: str
    """Name of the environment: the folder of its data in a bucket that other stacks may use as well."""
    keep_disks: bool
    """Whether etcd's volumes outlive the resource."""
    mirrors: Mirrors
    pool: PoolPlan | None
    service_account: pulumi.Input[str]
    root_secret: pulumi.Input[str]
    certificate: pulumi.Input[str] | None


def resource(spec: Spec, plan: MilvusPlan, wiring: Wiring) -> dict[str, Any]:
    """The `spec` of the resource."""
    return {
        "mode": spec.mode,
        "components": {
            **_common(wiring),
            **{name: _part(name, part, plan, wiring) for name, part in plan.parts.items()},
        },
        "config": _config(spec, plan, wiring),
        "dependencies": {
            "msgStreamType": "woodpecker",
            "etcd": {"inCluster": _etcd(spec, plan.etcd, wiring)},
            "storage": {"external": True, "type": "S3", "endpoint": f"{wiring.store.endpoint}:443"},
        },
    }


def component_labels(part: str) -> dict[str, str]:
    """Labels of the pods of a part."""
    return {"app.kubernetes.io/instance": NAME, "app.kubernetes.io/component": part.lower()}


def etcd_labels() -> dict[str, str]:
    """Labels of etcd's pods."""
    return {"app.kubernetes.io/instance": f"{NAME}-etcd", "app.kubernetes.io/name": "etcd"}


def _common(wiring: Wiring) -> dict[str, Any]:
    image = MILVUS_IMAGE
    return {
        "image": wiring.mirrors.image(image),
        # By it the operator knows the parts of the release, whatever a mirror's address looks like.
        "version": image.rpartition(":")[2],
        **_pulling("imagePullSecrets", wiring),
        "serviceAccountName": wiring.service_account,
        "runAsNonRoot": True,
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "enableRollingUpdate": True,
        "imageUpdateMode": "rollingUpgrade",
        # Ours select etcd as well.
        "disableMetric": True,
        **placed(wiring.pool),
    }


def _part(name: str, part: Part, plan: MilvusPlan, wiring: Wiring) -> dict[str, Any]:
    """One Deployment. Volumes of a part replace those of all parts, so each names its own."""
    served = wiring.certificate if name in _SERVES else None
    mounted = {"data": DATA, **({"certificates": CERTIFICATES} if served else {})}
    volumes: list[dict[str, Any]] = [{"name": "data", "emptyDir": {"sizeLimit": f"{part.disk_gib}Gi"}}]
    if served:
        volumes.append({"name": "certificates", "secret": {"secretName": served}})
    amounts = {"cpu": f"{part.millicores}m", "memory": f"{part.memory_gib}Gi"}
    if part.disk_gib > LOCAL_GIB:
        # Its index lies there: the scheduler must find the room.
        amounts["ephemeral-storage"] = f"{part.disk_gib}Gi"
    root = {"secretKeyRef": {"name": wiring.root_secret, "key": PASSWORD_KEY}}
    variables: list[dict[str, Any]] = []
    if name in _CREATES_ROOT:
        variables.append({"name": PASSWORD_VARIABLE, "valueFrom": root})
    if name == plan.holding:
        variables.append({"name": DISK_VARIABLE, "value": str(part.disk_gib)})
    return {
        "replicas": part.replicas,
        # CPU has no limit: an index that is built takes what is free.
        "resources": {"requests": amounts, "limits": {"memory": amounts["memory"]}},
        "volumes": volumes,
        "volumeMounts": [{"name": volume, "mountPath": path} for volume, path in mounted.items()],
        **({"env": variables} if variables else {}),
        # The operator adds it to the pods and to the Service (`GetRestfulPort`, pkg/controllers/components.go).
        **({"serviceRestfulPort": REST_PORT} if served else {}),
        **({"topologySpreadConstraints": _spread(component_labels(name))} if part.replicas > 1 else {}),
    }


def _config(spec: Spec, plan: MilvusPlan, wiring: Wiring) -> dict[str, Any]:
    store = wiring.store
    tls = {
        "serverPemPath": f"{CERTIFICATES}/tls.crt",
        "serverKeyPath": f"{CERTIFICATES}/tls.key",
        "caPemPath": f"{CERTIFICATES}/ca.crt",
    }
    proxy: dict[str, Any] = {
        **({"http": {"enabled": True, "port": REST_PORT}} if wiring.certificate else {}),
        **({"maxRoleNum": _MOST_ROLES, "maxUserNum": _MOST_USERS} if spec.roles or spec.users else {}),
    }
    return {
        "common": {"security": {"authorizationEnabled": True, "tlsMode": 1 if wiring.certificate else 0}},
        # With TLS, REST needs a port of its own. Its network lets in the Jobs of this namespace: clients use gRPC.
        **({"tls": tls} if wiring.certificate else {}),
        **({"proxy": proxy} if proxy else {}),
        "localStorage": {"path": DATA},
        "minio": {
            "bucketName": store.bucket,
            "rootPath": f"{wiring.environment}/{NAME}",
            "useSSL": True,
            "useIAM": True,
            "cloudProvider": store.provider,
            "region": store.region,
            "useVirtualHost": store.provider != "aws",
        },
        # Without it no query node loads an index that is on disk.
        **({"queryNode": {"enableDisk": True}} if plan.load.disk_gib else {}),
        "woodpecker": {
            "storage": {"type": "minio"},
            # On OSS its fence is `x-oss-forbid-overwrite`, which a bucket with versions ignores ("PutObject", OSS API
            # reference): a server that was replaced could still write. Without it servers take a lock in etcd
            # (zilliztech/woodpecker, docs/condition_write.md).
            **({"logstore": {"fencePolicy": {"conditionWrite": "disable"}}} if store.provider == "aliyun" else {}),
        },
        "dataCoord": {"segment": {"maxSize": SEGMENT_MIB}},
        "etcd": {"rootPath": NAME},
    }


def _etcd(spec: Spec, part: Part, wiring: Wiring) -> dict[str, Any]:
    """Values of the etcd chart within the operator, 8.12.0. A list replaces the operator's own, so it is complete."""
    variables = {
        "ETCD_QUOTA_BACKEND_BYTES": str(4 * 2**30),
        "ETCD_HEARTBEAT_INTERVAL": "500",
        "ETCD_ELECTION_TIMEOUT": "2500",
        # Prometheus reads metrics here, and needs no access to the data.
        "ETCD_LISTEN_METRICS_URLS": f"http://0.0.0.0:{ETCD_METRICS_PORT}",
    }
    registry, _, rest = wiring.mirrors.image(MILVUS_ETCD_IMAGE).rpartition("/milvusdb/")
    _, _, tag = rest.partition(":")
    memory = f"{part.memory_gib}Gi"
    return {
        "deletionPolicy": "Retain" if wiring.keep_disks else "Delete",
        "pvcDeletion": not wiring.keep_disks,
        "values": {
            "replicaCount": part.replicas,
            "image": {
                "registry": registry,
                "repository": "milvusdb/etcd",
                "tag": tag,
                **_pulling("pullSecrets", wiring, names=True),
            },
            "auth": {"rbac": {"create": False, "enabled": False}, "token": {"enabled": False}},
            "persistence": {
                "size": f"{spec.etcd.storage_gib}Gi",
                **({"storageClass": wiring.storage_class} if wiring.storage_class else {}),
            },
            "resources": {"requests": {"cpu": f"{part.millicores}m", "memory": memory}, "limits": {"memory": memory}},
            "containerSecurityContext": {
                "capabilities": {"drop": ["ALL"]},
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "extraEnvVars": [{"name": name, "value": value} for name, value in variables.items()],
            # Ours select it together with the others.
            "pdb": {"create": False},
            **(
                {"podAntiAffinityPreset": "hard", "topologySpreadConstraints": _spread(etcd_labels())[:1]}
                if part.replicas > 1
                else {}
            ),
            **placed(wiring.pool),
        },
    }


def _spread(chosen: Mapping[str, str]) -> list[dict[str, Any]]:
    """Zones, then nodes: preferred, because a zone may have no machines left while another one does."""
    return [
        {
            "maxSkew": 1,
            "topologyKey": key,
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": dict(chosen)},
        }
        for key in (_ZONE, _HOST)
    ]


def _pulling(key: str, wiring: Wiring, *, names: bool = False) -> dict[str, Any]:
    found = wiring.mirrors.pull_secrets
    return {key: [each if names else {"name": each} for each in found]} if found else {}
