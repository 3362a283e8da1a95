"""The network on Alibaba Cloud."""

from ipaddress import IPv4Network

import pulumi
import pytest
from support.alicloud_platform import ZONES, network, stack

from llmplatform import alicloud
from llmplatform.planning.network import plan_subnets, plan_vswitches
from llmplatform.specs.network import ExistingVswitches, NewNetwork, Vswitch
from llmplatform.testing import RecordingEngine

_SWITCH = "alicloud:vpc/switch:Switch"
_SNAT = "alicloud:vpc/snatEntry:SnatEntry"
_NAT = "alicloud:vpc/natGateway:NatGateway"
_TABLE = "alicloud:vpc/routeTable:RouteTable"
_ROUTE = "alicloud:vpc/routeEntry:RouteEntry"
_ATTACHMENT = "alicloud:vpc/routeTableAttachment:RouteTableAttachment"


def _made(nat: str = "single", *, protection: str = "none", flow_logs: bool = False) -> RecordingEngine:
    spec = NewNetwork.model_validate({"kind": "new", "cidr": "10.0.0.0/16", "nat": nat, "flow_logs": flow_logs})
    base = stack()
    environment = base.environment.model_copy(update={"protection": protection})
    settings = base.model_copy(update={"network": spec, "environment": environment})

    def program() -> dict[str, object]:
        made = network(settings)
        return {"nodes": made.private_subnet_ids, "balancers": made.public_subnet_ids, "pods": made.pod_subnet_ids}

    return RecordingEngine().run(program)


class _User(pulumi.CustomResource):
    def __init__(self, vswitch: pulumi.Input[str]) -> None:
        super().__init__("test:index:User", "user", {"vswitch": vswitch})


def test_every_zone_has_a_vswitch_for_nodes_and_one_for_pods() -> None:
    engine = _made()
    found = {(each.inputs["zoneId"], each.name.split("-")[1]) for each in engine.all(_SWITCH)}
    assert found == {(zone, role) for zone in ZONES for role in ("nodes", "pods")}
    assert engine.result["pods"] == {zone: f"core-pods-{zone}-id" for zone in ZONES}


def test_pods_have_by_far_the_most_addresses() -> None:
    sizes = {each.name: IPv4Network(each.inputs["cidrBlock"]).num_addresses for each in _made().all(_SWITCH)}
    for zone in ZONES:
        assert sizes[f"core-pods-{zone}"] == 8 * sizes[f"core-nodes-{zone}"] == 8192, "Terway gives each pod one"


NEW = NewNetwork(kind="new")


def test_the_ranges_are_those_of_the_other_cloud() -> None:
    ours, theirs = plan_vswitches(NEW, ZONES), plan_subnets(NEW, ZONES)
    assert (ours.nodes, ours.pods) == (theirs.public, theirs.private)


def test_load_balancers_stand_among_the_nodes_because_they_are_public_or_private_themselves() -> None:
    engine = _made()
    assert engine.result["balancers"] == engine.result["nodes"]


@pytest.mark.parametrize("role", ["nodes", "pods"])
def test_nodes_and_pods_reach_the_internet_through_an_address_that_the_gateway_has(role: str) -> None:
    engine = _made()
    association = engine.one("alicloud:ecs/eipAssociation:EipAssociation")
    assert association.inputs["instanceType"] == "Nat"
    for zone in ZONES:
        entry = engine.one(_SNAT, f"core-{role}-{zone}-internet")
        assert entry.inputs["sourceVswitchId"] == f"core-{role}-{zone}-id"
        assert entry.inputs["snatTableId"] == "stb-core-nat-cn-hangzhou-j"
        assert entry.inputs["snatIp"] == "203.0.113.7"
        assert engine.waits_for(entry, association), "an entry with an address that the gateway lacks is refused"


def test_a_zone_uses_its_own_gateway_where_it_has_one() -> None:
    engine = _made("per_zone")
    tables = {zone: engine.one(_SNAT, f"core-pods-{zone}-internet").inputs["snatTableId"] for zone in ZONES}
    assert tables == {zone: f"stb-core-nat-{zone}" for zone in ZONES}


@pytest.mark.parametrize("role", ["nodes", "pods"])
def test_where_each_zone_has_a_gateway_its_vswitches_are_routed_to_that_one(role: str) -> None:
    engine = _made("per_zone")
    for zone in ZONES:
        attachment = engine.one(_ATTACHMENT, f"core-{role}-{zone}")
        assert attachment.inputs == {"routeTableId": f"core-routes-{zone}-id", "vswitchId": f"core-{role}-{zone}-id"}
        route = engine.one(_ROUTE, f"core-routes-{zone}-internet")
        assert route.inputs == {
            "routeTableId": f"core-routes-{zone}-id",
            "destinationCidrblock": "0.0.0.0/0",
            "nexthopType": "NatGateway",
            "nexthopId": f"core-nat-{zone}-id",
        }
        assert engine.waits_for(attachment, route), "its machines would be cut off until the route is there"
        entry = engine.one(_SNAT, f"core-{role}-{zone}-internet")
        assert engine.waits_for(attachment, entry), "a gateway drops what its SNAT table does not name"


def test_one_gateway_is_reached_by_the_route_table_of_the_vpc() -> None:
    engine = _made("single")
    assert not [found.name for kind in (_TABLE, _ROUTE, _ATTACHMENT) for found in engine.all(kind)]


def test_gateways_are_of_the_kind_that_is_still_sold_and_paid_by_use() -> None:
    inputs = _made().one(_NAT).inputs
    assert (inputs["natType"], inputs["paymentType"], inputs["internetChargeType"]) == (
        "Enhanced", "PayAsYouGo", "PayByLcu",
    )  # fmt: skip
    address = _made().one("alicloud:ecs/eipAddress:EipAddress").inputs
    assert (address["internetChargeType"], address["bandwidth"]) == ("PayByTraffic", "200")


@pytest.mark.parametrize("role", ["nodes", "pods"])
@pytest.mark.parametrize("nat", ["single", "per_zone"])
def test_a_vswitch_is_handed_out_only_with_its_way_out(role: str, nat: str) -> None:
    def program() -> None:
        made = network(stack(network=NewNetwork.model_validate({"kind": "new", "nat": nat})))
        _User((made.private_subnet_ids if role == "nodes" else made.pod_subnet_ids)[ZONES[1]])

    engine = RecordingEngine().run(program)
    way = [engine.one(_SNAT, f"core-{role}-{ZONES[1]}-internet")]
    if nat == "per_zone":
        way += [
            engine.one(_ATTACHMENT, f"core-{role}-{ZONES[1]}"),
            engine.one(_ROUTE, f"core-routes-{ZONES[1]}-internet"),
        ]
    assert all(engine.waits_for(engine.named("user"), each) for each in way), "a node would start without it"


@pytest.mark.parametrize(("protection", "protected"), [("full", True), ("none", False)])
def test_the_network_is_protected_when_the_environment_is(protection: str, protected: bool) -> None:
    assert _made(protection=protection).one("alicloud:vpc/network:Network").protect is protected


def test_flow_logs_are_optional_and_forget() -> None:
    assert not _made().all("alicloud:vpc/flowLog:FlowLog")
    engine = _made(flow_logs=True)
    flow = engine.one("alicloud:vpc/flowLog:FlowLog").inputs
    assert (flow["resourceType"], flow["trafficType"]) == ("VPC", "All")
    assert engine.one("alicloud:log/store:Store").inputs["retentionPeriod"] == 30
    assert flow["projectName"].startswith("dev-core-vpc-flow-"), "names of projects are global: it has a suffix"


def test_nothing_is_left_to_a_deprecated_name() -> None:
    engine = _made("per_zone", flow_logs=True)
    named = {
        "alicloud:vpc/network:Network": "vpcName",
        _SWITCH: "vswitchName",
        _NAT: "natGatewayName",
        "alicloud:ecs/eipAddress:EipAddress": "addressName",
        _SNAT: "snatEntryName",
        _TABLE: "routeTableName",
    }
    for kind, key in named.items():
        for found in engine.all(kind):
            assert found.inputs[key].startswith("dev-core-")
            assert "name" not in found.inputs


def test_an_existing_network_is_adopted_without_a_change() -> None:
    spec = ExistingVswitches(
        kind="existing",
        vpc_id="vpc-bp1aevy8sofi8mh1qabcd",
        cidr="10.0.0.0/16",
        node_vswitches={"cn-hangzhou-j": Vswitch(id="vsw-bp1nodes0000000001", cidr="10.0.0.0/22")},
        pod_vswitches={"cn-hangzhou-j": Vswitch(id="vsw-bp1pods00000000001", cidr="10.0.64.0/19")},
    )

    def program() -> dict[str, object]:
        made = alicloud.ExistingNetwork("theirs", alicloud.ExistingNetworkArgs(spec=spec))
        return {"id": made.network_id, "nodes": made.private_subnet_ids, "pods": made.pod_subnet_ids}

    assert RecordingEngine().run(program).result == {
        "id": "vpc-bp1aevy8sofi8mh1qabcd",
        "nodes": {"cn-hangzhou-j": "vsw-bp1nodes0000000001"},
        "pods": {"cn-hangzhou-j": "vsw-bp1pods00000000001"},
    }


def test_pods_share_the_nodes_vswitches_where_they_have_none() -> None:
    spec = ExistingVswitches(
        kind="existing",
        vpc_id="vpc-bp1aevy8sofi8mh1qabcd",
        cidr="10.0.0.0/16",
        node_vswitches={"cn-hangzhou-j": Vswitch(id="vsw-bp1nodes0000000001", cidr="10.0.0.0/20")},
    )
    engine = RecordingEngine().run(
        lambda: alicloud.ExistingNetwork("theirs", alicloud.ExistingNetworkArgs(spec=spec)).pod_subnet_ids
    )
    assert engine.result == {"cn-hangzhou-j": "vsw-bp1nodes0000000001"}
