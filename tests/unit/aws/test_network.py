"""The network on AWS."""

import pulumi_aws
import pytest
from support.aws_platform import TAGS, ZONES, network, stack

from llmplatform import aws
from llmplatform.aws.endpoints import INTERFACES
from llmplatform.specs.cloud import Aws
from llmplatform.specs.network import ExistingSubnets, NewNetwork
from llmplatform.testing import RecordingEngine

_SUBNET = "aws:ec2/subnet:Subnet"
_NAT = "aws:ec2/natGateway:NatGateway"
_ROUTE = "aws:ec2/route:Route"
_ENDPOINT = "aws:ec2/vpcEndpoint:VpcEndpoint"


def _made(
    nat: str = "single", *, protection: str = "none", flow_logs: bool = False, endpoints: bool = False
) -> RecordingEngine:
    spec = NewNetwork.model_validate({"kind": "new", "cidr": "10.0.0.0/16", "nat": nat, "flow_logs": flow_logs})
    base = stack()
    environment = base.environment.model_copy(update={"protection": protection})
    settings = base.model_copy(update={"network": spec, "environment": environment})

    def program() -> dict[str, object]:
        made = network(settings, endpoints="private" if endpoints else "s3")
        return {"id": made.network_id, "private": made.private_subnet_ids, "public": made.public_subnet_ids}

    return RecordingEngine().run(program)


def test_every_zone_has_a_public_and_a_private_subnet() -> None:
    engine = _made()
    zones = {(found.inputs["availabilityZone"], found.name.split("-")[1]) for found in engine.all(_SUBNET)}
    assert zones == {(zone, role) for zone in ZONES for role in ("public", "private")}
    assert engine.result["private"] == {zone: f"core-private-{zone}-id" for zone in ZONES}


def test_nothing_gets_a_public_address_by_itself() -> None:
    addressed = [found.name for found in _made().all(_SUBNET) if found.inputs["mapPublicIpOnLaunch"]]
    assert not addressed, "only NAT gateways and load balancers are reachable from outside"


def test_load_balancers_find_their_subnets_by_tags() -> None:
    engine = _made()
    roles = {
        found.name.split("-")[1]: [tag for tag in found.inputs["tags"] if tag.startswith("kubernetes.io/role/")]
        for found in engine.all(_SUBNET)
    }
    assert roles == {"public": ["kubernetes.io/role/elb"], "private": ["kubernetes.io/role/internal-elb"]}


def test_dns_is_on_because_private_endpoints_and_efs_need_it() -> None:
    vpc = _made().one("aws:ec2/vpc:Vpc")
    assert vpc.inputs["enableDnsHostnames"] is True
    assert vpc.inputs["enableDnsSupport"] is True


def test_the_default_security_group_lets_nothing_through() -> None:
    group = _made().one("aws:ec2/defaultSecurityGroup:DefaultSecurityGroup")
    assert group.inputs["ingress"] == [], "a machine without a group must reach nothing"
    assert group.inputs["egress"] == []


@pytest.mark.parametrize(("nat", "gateways"), [("single", 1), ("per_zone", 2)])
def test_every_zone_reaches_the_internet_through_the_nat_that_was_asked_for(nat: str, gateways: int) -> None:
    engine = _made(nat)
    assert len(engine.all(_NAT)) == gateways
    homes = {zone: engine.one(_ROUTE, f"core-private-{zone}-internet").inputs["natGatewayId"] for zone in ZONES}
    assert len(set(homes.values())) == gateways
    assert homes["us-east-1a"] == "core-nat-us-east-1a-id", "a zone uses its own gateway where it has one"


def test_changing_to_a_nat_per_zone_moves_no_subnet_to_another_table() -> None:
    association = "aws:ec2/routeTableAssociation:RouteTableAssociation"
    before = {found.urn: found.inputs for found in _made("single").all(association)}
    after = {found.urn: found.inputs for found in _made("per_zone").all(association)}
    assert before == after


def test_a_private_subnet_is_handed_out_only_with_its_way_out() -> None:
    def program() -> None:
        made = network(stack())
        pulumi_aws.ec2.NetworkInterface("user", subnet_id=made.private_subnet_ids["us-east-1a"])

    engine = RecordingEngine().run(program)
    user = engine.named("user")
    for needed in ("core-private-us-east-1a-internet", "core-public-internet", "core-internet"):
        assert engine.waits_for(user, engine.named(needed)), f"{needed} is there before nodes and goes after them"


def test_the_internet_gateway_outlives_public_addresses() -> None:
    engine = _made()
    address = engine.one("aws:ec2/eip:Eip")
    assert engine.waits_for(address, engine.named("core-internet")), (
        "AWS refuses to detach it while an address is in use"
    )


def test_image_layers_come_through_the_free_s3_endpoint() -> None:
    engine = _made()
    endpoint = engine.one(_ENDPOINT)
    assert endpoint.inputs["vpcEndpointType"] == "Gateway"
    tables = {f"{found.name}-id" for found in engine.all("aws:ec2/routeTable:RouteTable")}
    assert set(endpoint.inputs["routeTableIds"]) == tables, "every subnet uses it"


def test_interface_endpoints_are_made_only_on_request_because_they_are_charged() -> None:
    assert len(_made().all(_ENDPOINT)) == 1
    assert len(_made(endpoints=True).all(_ENDPOINT)) == 1 + len(INTERFACES)


def test_interface_endpoints_admit_the_network_alone() -> None:
    engine = _made(endpoints=True)
    group = engine.one("aws:ec2/securityGroup:SecurityGroup")
    (rule,) = group.inputs["ingress"]
    assert (rule["cidrBlocks"], rule["fromPort"], rule["toPort"]) == (["10.0.0.0/16"], 443, 443)
    users = [found for found in engine.all(_ENDPOINT) if found.inputs["vpcEndpointType"] == "Interface"]
    assert {tuple(found.inputs["securityGroupIds"]) for found in users} == {("core-endpoints-id",)}
    assert all(found.inputs["privateDnsEnabled"] for found in users), "clients keep the names they know"


def test_endpoints_are_refused_where_their_names_are_not_known() -> None:
    china = Aws(provider="aws", account_id="111122223333", region="cn-north-1", zones=("cn-north-1a", "cn-north-1b"))
    spec = NewNetwork(kind="new", endpoints="private")
    with pytest.raises(ValueError, match="could not be checked"):
        aws.NetworkArgs(spec=spec, environment=stack().environment, cloud=china, tags=TAGS)


def test_flow_logs_are_optional_and_forget() -> None:
    assert not _made().all("aws:ec2/flowLog:FlowLog")
    engine = _made(flow_logs=True)
    assert engine.one("aws:ec2/flowLog:FlowLog").inputs["trafficType"] == "ALL"
    assert engine.one("aws:cloudwatch/logGroup:LogGroup").inputs["retentionInDays"] == 30


@pytest.mark.parametrize(("protection", "protected"), [("full", True), ("none", False)])
def test_the_network_is_protected_when_the_environment_is(protection: str, protected: bool) -> None:
    assert _made(protection=protection).one("aws:ec2/vpc:Vpc").protect is protected


def test_two_networks_live_in_one_stack() -> None:
    def program() -> None:
        network(stack(), "one", endpoints="private")
        network(stack(), "two", endpoints="private")

    assert len(RecordingEngine().run(program).all("aws:ec2/vpc:Vpc")) == 2


def test_an_existing_network_is_adopted_without_a_change() -> None:
    spec = ExistingSubnets(
        kind="existing",
        vpc_id="vpc-0123456789abcdef0",
        cidr="10.0.0.0/16",
        private_subnets={"us-east-1a": "subnet-0123456789abcdef0"},
    )

    def program() -> dict[str, object]:
        made = aws.ExistingNetwork("theirs", aws.ExistingNetworkArgs(spec=spec))
        return {"id": made.network_id, "private": made.private_subnet_ids, "public": made.public_subnet_ids}

    engine = RecordingEngine().run(program)
    assert engine.result == {
        "id": "vpc-0123456789abcdef0",
        "private": {"us-east-1a": "subnet-0123456789abcdef0"},
        "public": {},
    }
    assert [found for found in engine.registered if found.custom] == [], "an existing network is only read"
