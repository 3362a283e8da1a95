"""First-boot configuration of nodes. EKS adds the cluster's address and certificate to it.

Sources: nodeadm's NodeConfig (`node.eks.aws/v1alpha1`) for Amazon Linux 2023; Bottlerocket's settings and bootstrap
commands (from 1.22) for ephemeral storage.
"""

import yaml

from llmplatform.planning.pools import PoolPlan

_BOUNDARY = "//"

_BOTTLEROCKET_NVME = """\
[settings.bootstrap-commands.k8s-ephemeral-storage]
commands = [
  ["apiclient", "ephemeral-storage", "init"],
  ["apiclient", "ephemeral-storage", "bind", "--dirs", "/var/lib/containerd", "/var/lib/kubelet", "/var/log/pods"],
]
essential = true
mode = "always"
"""


def user_data(plan: PoolPlan) -> str | None:
    """Plain text of the user data; None where a node needs none."""
    if plan.spec.image == "bottlerocket":
        return _BOTTLEROCKET_NVME if plan.shape.nvme_gb else None
    return _mime("application/node.eks.aws", yaml.safe_dump(node_config(plan), sort_keys=False))


def node_config(plan: PoolPlan) -> dict[str, object]:
    """Nodeadm's configuration: local disks hold images and pods, and large images come quickly."""
    spec: dict[str, object] = {
        # Layers are fetched and unpacked in parallel: an engine's image is 10 GB and more.
        "featureGates": {"FastImagePull": True},
        # One large image must not hold back the small ones that make the node ready.
        "kubelet": {"config": {"serializeImagePulls": False}},
    }
    if plan.shape.nvme_gb:
        spec["instance"] = {"localStorage": {"strategy": "RAID0"}}
    return {"apiVersion": "node.eks.aws/v1alpha1", "kind": "NodeConfig", "spec": spec}


def _mime(content_type: str, body: str) -> str:
    return (
        "MIME-Version: 1.0\n"
        f'Content-Type: multipart/mixed; boundary="{_BOUNDARY}"\n\n'
        f"--{_BOUNDARY}\nContent-Type: {content_type}\n\n{body}\n--{_BOUNDARY}--\n"
    )
