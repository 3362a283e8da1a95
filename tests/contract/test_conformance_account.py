"""The platform in a simulated account of each cloud: what is registered is accepted, and comes down in any legal order.

The account refuses unknown names and values, missing links, and the deletion of what is still in use.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from pulumi.runtime import MockResourceArgs
from support.conformance.clouds import CLOUDS, Cloud

from llmplatform.specs.network import NewNetwork
from llmplatform.testing import RecordingEngine, Registered
from llmplatform_sandbox.cloud import SimulatedCloud, open_cloud
from llmplatform_sandbox.cloud.control_plane import Nodes
from llmplatform_sandbox.interfaces import KubeAccess
from llmplatform_sandbox.providers.base import Autonaming
from llmplatform_sandbox.providers.cloud import CloudProvider

each_cloud = pytest.mark.parametrize("cloud", CLOUDS, ids=str)


class _ControlPlane:
    """Says where an API server would be; nothing listens there."""

    minors = ("1.32", "1.33", "1.34", "1.35")

    def __call__(self, service_cidr: str | None = None, minor: str | None = None) -> KubeAccess:
        return KubeAccess(server="https://127.0.0.1:6443", ca_pem="PEM", kubeconfig=Path("kubeconfig"))

    @property
    def nodes(self) -> Nodes:
        raise AssertionError("nothing is upgraded here")

    def upgrade(self, minor: str) -> None:
        """Nothing was started."""

    def reset(self) -> None:
        """Nothing was started."""


@dataclass(kw_only=True)
class _Account(RecordingEngine):
    """A fake engine whose cloud is a simulated account."""

    cloud: Cloud
    provider: CloudProvider
    refused: list[str] = field(default_factory=list[str])
    made: dict[str, str] = field(default_factory=dict[str, str])
    """URN to id of what is there."""

    def new_resource(self, args: MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        registered = self.registered[-1]
        if not registered.type.startswith(f"{self.cloud.name}:"):
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
            free = sorted(urn for urn in left if not any(urn in each.dependencies for each in left.values()))
            self._delete(left.pop(shuffle.choice(free)))

    def _delete(self, registered: Registered) -> None:
        id_ = self.made.pop(registered.urn)
        self.provider.delete(registered.type, registered.urn, id_, dict(registered.inputs), {}, timeout=1)


@pytest.fixture
def simulated(cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SimulatedCloud]:
    # Kinds that an add-on brings go into an API server; there is none here.
    monkeypatch.setattr("llmplatform_sandbox.cloud.alicloud.clusters.bring", lambda *_: None)
    opened = open_cloud(cloud.name, tmp_path, _ControlPlane(), patience=0.1)
    yield opened
    opened.close()


def _up(cloud: Cloud, simulated: SimulatedCloud) -> _Account:
    account = _Account(cloud=cloud, provider=CloudProvider(lambda: simulated))
    base = cloud.bench.stack(network=NewNetwork(kind="new", cidr="10.0.0.0/16", flow_logs=True))
    settings = base.model_copy(update={"cluster": base.cluster.model_copy(update=cloud.everything_of_cluster)})
    account.run(lambda: cloud.bench.platform(settings, **cloud.everything))
    return account


@each_cloud
def test_an_account_accepts_everything_that_is_registered(cloud: Cloud, simulated: SimulatedCloud) -> None:
    account = _up(cloud, simulated)
    assert account.refused == []
    registered = [each for each in account.registered if each.type.startswith(f"{cloud.name}:")]
    assert len(account.made) == len(registered) > 40, "the whole platform was asked for"


@each_cloud
@pytest.mark.parametrize("seed", range(3))
def test_the_platform_comes_down_in_every_order_that_its_dependencies_allow(
    cloud: Cloud, simulated: SimulatedCloud, seed: int
) -> None:
    account = _up(cloud, simulated)
    account.tear_down(random.Random(seed))  # noqa: S311 — an order, not a secret
    assert [found.id for found in simulated.objects()] == [], "nothing is left behind, and nothing was refused"
