"""Writes the sizes of EC2 machines that the sandbox simulates: sandbox/llmplatform_sandbox/cloud/aws/machines.toml.

    .venv/bin/python scripts/machine_sizes.py FOLDER

FOLDER: a checkout of aws/karpenter-provider-aws, whose documentation lists every type of DescribeInstanceTypes,
with the memory that AL2023's kubelet leaves.
"""

import argparse
import re
import subprocess
from itertools import groupby
from pathlib import Path

PAGE = "website/content/en/docs/reference/instance-types.md"
TARGET = Path(__file__).parents[1] / "sandbox/llmplatform_sandbox/cloud/aws/machines.toml"
_HEAD = """# Machines of EC2 by family, written by scripts/machine_sizes.py. A type is [vCPUs, MiB of memory, GPUs,
# GB of local NVMe, MiB that pods can have].

[p3]
cites = [{ page = "kubernetes/autoscaler 55c37cd5", section = "cloudprovider/aws/ec2_instance_types.go" }]
assumed = { "memory that pods can have" = "as much less as on other machines of its size" }
[p3.types]
"p3.2xlarge" = [8, 62464, 1, 0, 55193]
"p3.8xlarge" = [32, 249856, 4, 0, 223846]
"p3.16xlarge" = [64, 499712, 8, 0, 448716]
"""


def main() -> None:
    """Read the page, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    folder: Path = parser.parse_args().folder
    revision = subprocess.run(
        ["git", "-C", folder, "describe", "--tags", "--always"], check=True, capture_output=True, text=True
    ).stdout.strip()
    found = list(map(_machine, (folder / PAGE).read_text(encoding="utf-8").split("\n### `")[1:]))
    lines = [_HEAD]
    for (family, architecture), machines in groupby(sorted(found), key=lambda one: (one[0], one[1])):
        lines.append(f"[{family}]")
        cite = f'repository = "aws/karpenter-provider-aws", revision = "{revision}", path = "{PAGE}"'
        lines.append(f"cites = [{{ {cite} }}]")
        lines += [f'architecture = "{architecture}"', "[" + family + ".types]"]
        lines += [f'"{name}" = [{", ".join(map(str, sizes))}]' for _, _, sizes, name in machines]
        lines.append("")
    TARGET.write_text("\n".join(lines), encoding="utf-8")


def _machine(text: str) -> tuple[str, str, tuple[int, ...], str]:
    """(family, architecture, sizes, name) of a section."""
    name = text.partition("`")[0]
    said = dict(re.findall(r"^ \|([\w./-]+)\|([^|]*)\|$", text, re.MULTILINE))
    label = "karpenter.k8s.aws/instance-"
    gpus = said.get("nvidia.com/gpu", "0")
    sizes = (
        int(said[f"{label}cpu"]),
        int(said[f"{label}memory"]),
        int(gpus),
        int(said.get(f"{label}local-nvme", "0")),
        int(said["memory"].removesuffix("Mi")),
    )
    return said[f"{label}family"], said["kubernetes.io/arch"], sizes, name


if __name__ == "__main__":
    main()
