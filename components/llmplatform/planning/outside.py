"""The proxy and its exceptions, for pods and nodes."""

from dataclasses import dataclass

from llmplatform.catalog import hosts
from llmplatform.specs.stack import AwsStack, Stack

_EVERYWHERE = ("localhost", "127.0.0.1", "169.254.0.0/16", ".svc", ".cluster.local")
"""Always reached directly: loopback, link-local addresses (AWS' metadata and credentials), and the names of Services.
Clusters have the domain `cluster.local`."""
_OF_ALICLOUD = ("100.100.100.200", "100.64.0.0/10")
"""Its metadata, and its services within a network (VPC documentation, "Reserved CIDR blocks")."""


@dataclass(frozen=True, kw_only=True)
class OutsidePlan:
    """Access of pods and nodes to the internet."""

    proxy: str | None = None
    no_proxy: tuple[str, ...] = ()
    """Hosts and ranges to reach directly; empty without a proxy."""
    certificates: str | None = None
    """Further trusted authorities (PEM)."""
    nodes: bool = False
    """Whether nodes use them, too."""

    @property
    def variables(self) -> dict[str, str]:
        """As environment variables."""
        if self.proxy is None:
            return {}
        return {"HTTPS_PROXY": self.proxy, "HTTP_PROXY": self.proxy, "NO_PROXY": ",".join(self.no_proxy)}


def plan_outside(stack: Stack) -> OutsidePlan:
    """The plan of a stack file."""
    wanted = stack.outside
    return OutsidePlan(
        proxy=wanted.proxy,
        no_proxy=tuple(dict.fromkeys((*_within(stack), *wanted.no_proxy))) if wanted.proxy else (),
        certificates=wanted.certificates,
        nodes=isinstance(stack, AwsStack) and stack.outside.nodes,
    )


def _within(stack: Stack) -> tuple[str, ...]:
    services = [stack.cluster.service_cidr] if stack.cluster.kind == "new" else []
    if isinstance(stack, AwsStack):
        # Kubelets call the API server by its name, which no range covers.
        # New networks have a gateway for S3.
        partition = "amazonaws.com.cn" if stack.cloud.partition == "aws-cn" else "amazonaws.com"
        buckets = [f".{hosts.s3(stack.cloud.region)}"] if stack.network.kind == "new" else []
        return (*_EVERYWHERE, stack.network.cidr, *services, ".internal", f".eks.{partition}", *buckets)
    region = stack.cloud.region
    near = (f".{hosts.oss_within(region)}", hosts.sts_within(region))
    return (*_EVERYWHERE, stack.network.cidr, *services, *_OF_ALICLOUD, *near)
