"""A stack's needs, in the form that checks use."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from llmplatform.catalog.versions import Chart
from llmplatform.planning.charts import plan_charts
from llmplatform.planning.models import ModelPlan, plan_models
from llmplatform.planning.pools import PoolPlan, plan_pools
from llmplatform.specs.cluster import NewCluster
from llmplatform.specs.network import NewNetwork
from llmplatform.specs.stack import Stack


@dataclass(frozen=True)
class Wanted:
    """A valid stack, and the folder of its project."""

    name: str
    stack: Stack
    project: Path

    @cached_property
    def pools(self) -> tuple[PoolPlan, ...]:
        """Every pool."""
        return plan_pools(self.stack)

    @cached_property
    def made(self) -> tuple[PoolPlan, ...]:
        """Pools that this stack creates."""
        return tuple(pool for pool in self.pools if pool.groups)

    @cached_property
    def models(self) -> tuple[ModelPlan, ...]:
        """Every model."""
        return plan_models(self.stack, self.pools)

    @cached_property
    def charts(self) -> tuple[Chart, ...]:
        """Charts to install."""
        return plan_charts(self.stack, self.pools)

    @property
    def new_network(self) -> NewNetwork | None:
        """The network, if this stack creates it."""
        return self.stack.network if isinstance(self.stack.network, NewNetwork) else None

    @property
    def new_cluster(self) -> bool:
        """Whether this stack creates the cluster."""
        return isinstance(self.stack.cluster, NewCluster)

    @property
    def nat_gateways(self) -> int:
        """NAT gateways of a new network, each with a public address."""
        network = self.new_network
        if network is None:
            return 0
        return len(self.stack.cloud.zones) if network.nat == "per_zone" else 1

    @property
    def cluster_name(self) -> str:
        """Name of a new cluster."""
        return f"{self.stack.environment.name}-llm"
