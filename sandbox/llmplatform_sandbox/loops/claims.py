"""Why a pod's volume claims are not bound, by the rules that controllers.toml plays."""

from typing import Any

from llmplatform_sandbox.kube.client import Kube, Object
from llmplatform_sandbox.loops.controllers import Players, rules
from llmplatform_sandbox.loops.volumes import obstacle


def claims_of(pod: Object) -> list[str]:
    """Names of the claims that a pod mounts."""
    found: list[str] = []
    for volume in pod["spec"].get("volumes") or []:
        if "persistentVolumeClaim" in volume:
            found.append(volume["persistentVolumeClaim"]["claimName"])
        elif "ephemeral" in volume:
            found.append(f"{pod['metadata']['name']}-{volume['name']}")
    return found


def claim_fault(kube: Kube, players: Players, pod: Object, name: str) -> str | None:
    """What keeps a claim from being bound, beyond waiting for a node; None when nothing does."""
    claim = kube.get("v1", "PersistentVolumeClaim", name, pod["metadata"]["namespace"])
    if claim is None:
        return f"claim {name}: not found"
    if claim["spec"].get("volumeName"):
        return None
    class_name = claim["spec"].get("storageClassName")
    if not class_name:
        return f"claim {name}: names no StorageClass, and the cluster has no default one"
    storage_class = kube.get("storage.k8s.io/v1", "StorageClass", class_name)
    if storage_class is None:
        return f"claim {name}: StorageClass {class_name} not found"
    return _refusal(players, claim, storage_class)


def _refusal(players: Players, claim: Object, storage_class: Object) -> str | None:
    name, provisioner = claim["metadata"]["name"], storage_class["provisioner"]
    rule: dict[str, Any] | None = next((row for row in rules()["volume"] if row["provisioner"] == provisioner), None)
    if rule is None:
        return f"claim {name}: nothing in the sandbox plays the provisioner {provisioner}"
    if not players.there(rule["played_by"]):
        ways = " or ".join(way.replace(":", " ") for way in rule["played_by"])
        return f"claim {name}: no one serves {provisioner}; install {ways}"
    cloud = players.clouds.get(rule["cloud"])
    reason = obstacle(cloud, rule, claim, storage_class) if cloud else None
    return f"claim {name}: {reason}" if reason else None
