"""First-boot configuration of nodes. EKS adds the cluster's address and certificate to it.

Sources: nodeadm's NodeConfig (`node.eks.aws/v1alpha1`) for Amazon Linux 2023; Bottlerocket's settings (`network`,
`pki`, `container-runtime-plugins`) and bootstrap commands (from 1.22) for ephemeral storage. Scripts end before nodeadm
starts containerd and kubelet: amazon-eks-ami, templates/al2023, nodeadm-run.service is `After=cloud-final.service`.
"""

import base64
import json

import yaml

from llmplatform.planning.outside import OutsidePlan
from llmplatform.planning.pools import PoolPlan
from llmplatform.planning.start import pulls_in_parallel

_BOUNDARY = "//"

_NVME = """\
[settings.bootstrap-commands.k8s-ephemeral-storage]
commands = [
  ["apiclient", "ephemeral-storage", "init"],
  ["apiclient", "ephemeral-storage", "bind", "--dirs", {folders}],
]
essential = true
mode = "always"
"""
_ON_NVME = ("/var/lib/containerd", "/var/lib/kubelet", "/var/log/pods")
_LAYERS = "/var/lib/soci-snapshotter"
"""Folder of the snapshotter that fetches in parallel."""
_PARALLEL = """\
[settings.container-runtime]
snapshotter = "soci"

[settings.container-runtime-plugins.soci-snapshotter]
pull-mode = "parallel-pull-unpack"

[settings.container-runtime-plugins.soci-snapshotter.parallel-pull-unpack]
max-concurrent-downloads-per-image = 20
concurrent-download-chunk-size = "16mb"
max-concurrent-unpacks-per-image = 12
discard-unpacked-layers = true
"""
"""The values of nodeadm's `FastImagePull` (amazon-eks-ami, soci-snapshotter.config.toml). Bottlerocket's own are those
of a plain pull."""

_PROXIED = ("containerd", "soci-snapshotter", "kubelet", "nodeadm-run")
"""Programs that call registries and AWS: two that fetch layers, kubelet's credential provider for ECR, and nodeadm,
which calls EC2. On Bottlerocket each has its network settings (bottlerocket-core-kit#584)."""


def user_data(plan: PoolPlan, outside: OutsidePlan) -> str | None:
    """Plain text of the user data; None if a node needs none."""
    way = outside if outside.nodes else OutsidePlan()
    if plan.spec.image == "bottlerocket":
        return "\n".join([*_settings(way), *_disks_and_pulls(plan)]) or None
    config = ("application/node.eks.aws", yaml.safe_dump(node_config(plan), sort_keys=False))
    script = _script(way)
    return _mime(*([("text/x-shellscript", script)] if script else []), config)


def _disks_and_pulls(plan: PoolPlan) -> list[str]:
    """Bottlerocket's counterpart of `node_config`. Small images of other pools gain nothing by a parallel pull."""
    parallel = plan.gpu is not None and pulls_in_parallel(plan)
    folders = ", ".join(f'"{each}"' for each in (*_ON_NVME, *((_LAYERS,) if parallel else ())))
    return [*([_PARALLEL] if parallel else []), *([_NVME.format(folders=folders)] if plan.shape.nvme_gb else [])]


def _settings(way: OutsidePlan) -> list[str]:
    """Bottlerocket's settings. It adds the API server and the cluster's names to `no-proxy` by itself."""
    found: list[str] = []
    if way.proxy:
        found.append(
            f"[settings.network]\nhttps-proxy = {json.dumps(way.proxy)}\nno-proxy = {json.dumps(way.no_proxy)}\n"
        )
    if way.certificates:
        data = base64.b64encode(way.certificates.encode()).decode()
        found.append(f'[settings.pki.outside]\ndata = "{data}"\ntrusted = true\n')
    return found


def _script(way: OutsidePlan) -> str:
    """The same as a shell script, on Amazon Linux."""
    lines: list[str] = []
    if way.certificates:
        lines += [_file("/etc/pki/ca-trust/source/anchors/outside.pem", way.certificates), "update-ca-trust"]
    if way.proxy:
        unit = "\n".join(["[Service]", *(f'Environment="{name}={value}"' for name, value in way.variables.items()), ""])
        folder = "/etc/systemd/system/$each.service.d"
        # One copy for all: EC2 limits user data to 16 KiB.
        lines += [f"for each in {' '.join(_PROXIED)}; do", f"mkdir -p {folder}", _file(f"{folder}/outside.conf", unit)]
        lines += ["done", "systemctl daemon-reload"]
    return "\n".join(["#!/bin/bash", "set -euo pipefail", *lines]) if lines else ""


def _file(path: str, text: str) -> str:
    """A command that writes a file. The text is encoded, so that the shell does not interpret it."""
    return f"base64 -d > {path} <<< {base64.b64encode(text.encode()).decode()}"


def node_config(plan: PoolPlan) -> dict[str, object]:
    """Nodeadm's configuration: local disks hold images and pods, and large images are pulled quickly."""
    spec: dict[str, object] = {
        # Layers are fetched and unpacked in parallel: an engine's image is 10 GB and more.
        "featureGates": {"FastImagePull": True},
        # One large image must not delay the small ones that make the node ready.
        "kubelet": {"config": {"serializeImagePulls": False}},
    }
    if plan.shape.nvme_gb:
        spec["instance"] = {"localStorage": {"strategy": "RAID0"}}
    return {"apiVersion": "node.eks.aws/v1alpha1", "kind": "NodeConfig", "spec": spec}


def _mime(*parts: tuple[str, str]) -> str:
    written = "".join(f"--{_BOUNDARY}\nContent-Type: {kind}\n\n{body}\n" for kind, body in parts)
    return f'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="{_BOUNDARY}"\n\n{written}--{_BOUNDARY}--\n'
