"""What a way to the outside comes to: for whom the proxy is, and who is reached without it."""

from dataclasses import dataclass

from llmplatform.specs.stack import AwsStack, Stack

_EVERYWHERE = ("localhost", "127.0.0.1", "169.254.0.0/16", ".svc", ".cluster.local")
"""This machine, links (AWS' metadata and credentials among them), and the names of Services: clusters here have the
domain `cluster.local`."""
_OF_ALICLOUD = ("100.100.100.200", "100.64.0.0/10")
"""Its metadata, and where its services are within a network (VPC documentation, "Reserved CIDR blocks")."""


@dataclass(frozen=True, kw_only=True)
class OutsidePlan:
    """How pods and nodes reach the world outside."""

    proxy: str | None = None
    no_proxy: tuple[str, ...] = ()
    """Hosts and ranges that are reached without it; none where there is no proxy."""
    certificates: str | None = None
    """Authorities that are trusted beside the usual ones (PEM)."""
    nodes: bool = False
    """Whether nodes take that way, too."""

    @property
    def variables(self) -> dict[str, str]:
        """As programs expect to be told."""
        if self.proxy is None:
            return {}
        return {"HTTPS_PROXY": self.proxy, "HTTP_PROXY": self.proxy, "NO_PROXY": ",".join(self.no_proxy)}


def plan_outside(stack: Stack) -> OutsidePlan:
    """The way that a stack file says."""
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
        partition = "amazonaws.com.cn" if stack.cloud.partition == "aws-cn" else "amazonaws.com"
        return (*_EVERYWHERE, stack.network.cidr, *services, ".internal", f".eks.{partition}")
    return (*_EVERYWHERE, stack.network.cidr, *services, *_OF_ALICLOUD)
