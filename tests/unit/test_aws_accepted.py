"""The platform in a simulated AWS account: what is registered is accepted, and comes down in any order that is allowed.

The account refuses unknown names and values, missing links, and the deletion of what is still in use.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aws_platform import platform, stack
from engine import Engine, Registered
from pulumi.runtime import MockResourceArgs

from llmplatform.specs.cluster import Endpoint
from llmplatform.specs.network import NewNetwork
from llmplatform_sandbox.cloud import SimulatedCloud, open_cloud
from llmplatform_sandbox.interfaces import KubeAccess
from llmplatform_sandbox.providers.base import Autonaming
from llmplatform_sandbox.providers.cloud import CloudProvider


class _ControlPlane:
    """Says where an API server would be; nothing listens there."""

    minor = "1.35"

    def __call__(self, service_cidr: str | None = None) -> KubeAccess:
        return KubeAccess(server="https://127.0.0.1:6443", ca_pem="PEM", kubeconfig=Path("kubeconfig"))

    def reset(self) -> None:
        """Nothing was started."""


@dataclass(kw_only=True)
class _Account(Engine):
    """A fake engine whose AWS is a simulated account."""

    provider: CloudProvider
    refused: list[str] = field(default_factory=list[str])
    made: dict[str, str] = field(default_factory=dict[str, str])
    """URN to id of what is there."""

    def new_resource(self, args: MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        registered = self.registered[-1]
        if not registered.type.startswith("aws:"):
            return super().new_resource(args)
        naming = Autonaming(name=registered.name, urn=registered.urn)
        inputs, failures = self.provider.check(registered.type, {}, dict(registered.inputs), naming)
        self.refused += [f"{registered.name}: {failure}" for failure in failures]
        id_, outputs = self.provider.create(registered.type, registered.urn, inputs, preview=False, timeout=1)
        self.made[registered.urn] = id_
        return id_, outputs

    def tear_down(self, shuffle: random.Random) -> None:
        """Delete everything as an engine may: any resource that none of those left depends on."""
        left = {each.urn: each for each in self.registered if each.urn in self.made}
        while left:
            free = sorted(urn for urn in left if not any(urn in self._needs(each) for each in left.values()))
            self._delete(left.pop(shuffle.choice(free)))

    def _needs(self, registered: Registered) -> frozenset[str]:
        return registered.dependencies

    def _delete(self, registered: Registered) -> None:
        id_ = self.made.pop(registered.urn)
        self.provider.delete(registered.type, registered.urn, id_, dict(registered.inputs), {}, timeout=1)


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[SimulatedCloud]:
    simulated = open_cloud("aws", tmp_path, _ControlPlane(), patience=0.1)
    yield simulated
    simulated.close()


def _up(cloud: SimulatedCloud) -> _Account:
    account = _Account(provider=CloudProvider(cloud))
    base = stack(network=NewNetwork(kind="new", cidr="10.0.0.0/16", flow_logs=True))
    endpoint = Endpoint(private_cidrs=("10.250.0.0/16",))
    settings = base.model_copy(update={"cluster": base.cluster.model_copy(update={"endpoint": endpoint})})
    account.run(lambda: platform(settings, private_endpoints=True))
    return account


def test_an_account_accepts_everything_that_is_registered(cloud: SimulatedCloud) -> None:
    account = _up(cloud)
    assert account.refused == []
    assert len(account.made) > 90, "the whole platform was asked for"


@pytest.mark.parametrize("seed", range(3))
def test_the_platform_comes_down_in_every_order_that_its_dependencies_allow(cloud: SimulatedCloud, seed: int) -> None:
    account = _up(cloud)
    account.tear_down(random.Random(seed))  # noqa: S311 — an order, not a secret
    assert [found.id for found in cloud.objects()] == [], "nothing is left behind, and nothing was refused on the way"
