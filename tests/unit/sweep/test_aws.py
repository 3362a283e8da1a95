"""What an environment left in an account of AWS, as moto plays it: found, shown, and deleted when a person says so."""

from dataclasses import replace
from typing import Any

from support.doctor import recorded
from support.leftovers_on_aws import KINDS, OF_DRIVER, OF_STRANGER, OURS, PLACE, REGION, client, left, network, volume

from llmplatform.doctor.checks import Absent, Denied, NoAnswer
from llmplatform.doctor.on_aws.account import AwsAccount
from llmplatform.sweep import aws_storage
from llmplatform.sweep.kinds import Leftover, Place
from llmplatform.sweep.running import remove, survey
from llmplatform.sweep.stacks import AWS

OF_OTHERS = [{"Key": "kubernetes.io/cluster/staging", "Value": "owned"}, *OF_STRANGER]


def interface(subnet: str, *tags: dict[str, str]) -> str:
    spec = [{"ResourceType": "network-interface", "Tags": [*tags]}] if tags else []
    made = client("ec2").create_network_interface(SubnetId=subnet, Description="aws-K8S", TagSpecifications=spec)
    return made["NetworkInterface"]["NetworkInterfaceId"]


def test_volumes_are_told_apart_by_the_cluster_that_their_tags_name(account: AwsAccount) -> None:
    ours, ownerless = volume(*OF_DRIVER), volume(*OF_STRANGER)
    volume(*OF_OTHERS)
    volume()
    found = {each.id: each for each in left("volumes", account)}
    assert {*found} == {ours, ownerless}
    assert (found[ours].whose, found[ours].name) == ("ours", "monitoring/prometheus-0 20 GiB")
    assert (found[ownerless].whose, found[ownerless].deletable) == ("foreign", False)


def test_another_environments_tag_names_its_owner(account: AwsAccount) -> None:
    volume({"Key": "llmplatform:environment", "Value": "team-b"}, *OF_DRIVER)
    assert left("volumes", account) == []


def test_what_several_clusters_share_is_of_none(account: AwsAccount) -> None:
    # cloud-provider-aws: what is `shared` outlives each of the clusters that it is tagged for.
    vpc, _ = network(*OURS)
    tags = [{"ResourceType": "security-group", "Tags": [{"Key": "kubernetes.io/cluster/prod-llm", "Value": "shared"}]}]
    client("ec2").create_security_group(GroupName="nodes", Description="x", VpcId=vpc, TagSpecifications=tags)
    [found] = left("security-groups", account)
    assert (found.whose, found.deletable) == ("foreign", False)


def test_what_a_cluster_made_stays_while_it_is_there(account: AwsAccount) -> None:
    volume(*OF_DRIVER)
    client("logs").create_log_group(logGroupName="/aws/eks/prod-llm/cluster")
    place = replace(PLACE, alive=frozenset({"prod-llm"}))
    for name in ("volumes", "log-groups"):
        [found] = left(name, account, place)
        assert (found.whose, found.deletable) == ("ours", False)
        assert "prod-llm still exists" in found.kept


def test_volumes_go_when_they_are_to_and_what_is_gone_counts_as_gone(account: AwsAccount) -> None:
    ours, ownerless = volume(*OF_DRIVER), volume(*OF_STRANGER)
    found = left("volumes", account)
    outcomes = remove(KINDS["volumes"], found, PLACE, account)
    assert {each.leftover.id: each.done for each in outcomes} == {ours: True, ownerless: False}
    assert [each.id for each in left("volumes", account)] == [ownerless]
    again = remove(KINDS["volumes"], [each for each in found if each.id == ours], PLACE, account)
    assert [(each.done, each.said) for each in again] == [(True, "it was gone already")]


def test_more_than_a_page_is_found(account: AwsAccount) -> None:
    logs = client("logs")
    for number in range(60):
        logs.create_log_group(logGroupName=f"/aws/eks/prod-llm/{number}")
    logs.create_log_group(logGroupName="/aws/eks/prod-llm-2/cluster")
    assert len(left("log-groups", account)) == 60


def test_interfaces_of_our_cluster_or_in_our_network_are_ours(account: AwsAccount) -> None:
    _, subnet = network(*OURS)
    _, elsewhere = network()
    of_cni = interface(elsewhere, {"Key": "cluster.k8s.amazonaws.com/name", "Value": "prod-llm"})
    forgotten = interface(subnet)
    others = interface(subnet, {"Key": "cluster.k8s.amazonaws.com/name", "Value": "staging"})
    interface(elsewhere)
    found = {each.id: each.whose for each in left("interfaces", account)}
    assert found == {of_cni: "ours", forgotten: "ours", others: "foreign"}
    remove(KINDS["interfaces"], left("interfaces", account), PLACE, account)
    assert {each.id for each in left("interfaces", account)} == {others}


def test_load_balancers_of_both_kinds_are_found_by_their_controllers_tags(account: AwsAccount) -> None:
    ec2, v2 = client("ec2"), client("elbv2")
    vpc, subnet = network(*OURS)
    second = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24", AvailabilityZone=f"{REGION}b")["Subnet"]["SubnetId"]
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    made = [
        v2.create_load_balancer(
            Name=name, Subnets=[subnet, second], Tags=[{"Key": "elbv2.k8s.aws/cluster", "Value": cluster}]
        )["LoadBalancers"][0]["LoadBalancerArn"]
        for name, cluster in (("ours", "prod-llm"), ("theirs", "staging"))
    ]
    client("elb").create_load_balancer(
        LoadBalancerName="classic",
        Listeners=[{"Protocol": "TCP", "LoadBalancerPort": 80, "InstancePort": 80}],
        AvailabilityZones=[f"{REGION}a"],
        Tags=[{"Key": "kubernetes.io/cluster/prod-llm", "Value": "owned"}],
    )
    assert [each.id for each in left("load-balancers", account)] == [made[0]]
    assert [each.id for each in left("classic-load-balancers", account)] == ["classic"]
    for name in ("load-balancers", "classic-load-balancers"):
        remove(KINDS[name], left(name, account), PLACE, account)
        assert left(name, account) == []


def test_what_guardduty_put_into_the_network_is_shown_with_what_to_do(account: AwsAccount) -> None:
    ec2 = client("ec2")
    vpc, subnet = network(*OURS)
    tags = [{"ResourceType": "vpc-endpoint", "Tags": [{"Key": "GuardDutyManaged", "Value": "true"}]}]
    endpoint = ec2.create_vpc_endpoint(
        VpcId=vpc,
        ServiceName=f"com.amazonaws.{REGION}.guardduty-data",
        VpcEndpointType="Interface",
        SubnetIds=[subnet],
        TagSpecifications=tags,
    )["VpcEndpoint"]["VpcEndpointId"]
    group = ec2.create_security_group(
        GroupName=f"GuardDutyManagedSecurityGroup-{vpc}", Description="GuardDuty", VpcId=vpc
    )["GroupId"]
    [found] = left("endpoints", account)
    assert (found.id, found.whose) == (endpoint, "foreign")
    assert f"delete-vpc-endpoints --vpc-endpoint-ids {endpoint}" in found.kept
    [found] = left("security-groups", account)
    assert (found.id, found.whose, "GuardDuty created it in" in found.why) == (group, "foreign", True)


def test_snapshots_file_systems_and_records_are_found_and_go(account: AwsAccount) -> None:
    ec2, efs, dns = client("ec2"), client("efs"), client("route53")
    spec = [{"ResourceType": "snapshot", "Tags": OF_DRIVER}]
    snapshot = ec2.create_snapshot(VolumeId=volume(), TagSpecifications=spec)["SnapshotId"]
    _, subnet = network()
    files = efs.create_file_system(CreationToken="weights", Tags=OURS)["FileSystemId"]
    efs.create_file_system(CreationToken="theirs")
    efs.create_mount_target(FileSystemId=files, SubnetId=subnet)
    zone = dns.create_hosted_zone(Name="example.org", CallerReference="x")["HostedZone"]["Id"].rpartition("/")[2]
    for name in ("_acme-challenge.llm", "_acme-challenge.chat", "llm"):
        record = {"Name": f"{name}.example.org", "Type": "TXT", "TTL": 60, "ResourceRecords": [{"Value": '"x"'}]}
        change = {"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]}
        dns.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=change)
    place = Place(environment="prod", region=REGION, clusters=PLACE.clusters, zone=zone, host="llm.example.org")
    assert [each.id for each in left("snapshots", account)] == [snapshot]
    assert [each.id for each in left("file-systems", account)] == [files]
    assert [each.id for each in left("dns-records", account, place)] == ["_acme-challenge.llm.example.org."]
    for name in ("snapshots", "dns-records"):
        remove(KINDS[name], left(name, account, place), place, account)
        assert left(name, account, place) == []
    [first] = remove(KINDS["file-systems"], left("file-systems", account), PLACE, account)
    assert (first.done, "run it again" in first.said) == (False, True)
    [second] = remove(KINDS["file-systems"], left("file-systems", account), PLACE, account)
    assert second.done
    assert left("file-systems", account) == []


def test_keys_and_whatever_else_has_our_tag_are_only_shown(account: AwsAccount) -> None:
    kms = client("kms")
    key = kms.create_key(Tags=[{"TagKey": "llmplatform:environment", "TagValue": "prod"}])["KeyMetadata"]["Arn"]
    vpc, _ = network(*OURS)
    [found] = left("keys", account)
    assert (found.id, found.deletable) == (key, False)
    kms.schedule_key_deletion(KeyId=key.rpartition("/")[2], PendingWindowInDays=30)
    assert left("keys", account)[0].name.startswith("deleted on 2")
    assert [each.id.rpartition("/")[2] for each in left("others", account)] == [vpc]
    assert not any(each.deletable for each in left("others", account))


def test_backups_are_found_by_the_tags_that_they_took_over() -> None:
    points = [f"arn:aws:backup:us-east-1:444455556666:recovery-point:{each}" for each in ("ours", "theirs")]
    listed = [
        {"RecoveryPointArn": arn, "ResourceArn": "arn:aws:elasticfilesystem:x:y:file-system/fs-1"} for arn in points
    ]

    def tags(**parameters: Any) -> dict[str, Any]:
        return {"Tags": {"llmplatform:environment": "prod"} if parameters["ResourceArn"].endswith("ours") else {}}

    deleted: list[str] = []

    def delete(**parameters: Any) -> dict[str, Any]:
        deleted.append(parameters["RecoveryPointArn"])
        return {}

    ask = recorded.aws(
        ListRecoveryPointsByBackupVault={"RecoveryPoints": listed}, ListTags=tags, DeleteRecoveryPoint=delete
    )
    [found] = left("recovery-points", ask)
    assert (found.id, found.name) == (points[0], "of fs-1")
    remove(KINDS["recovery-points"], [found], PLACE, ask)
    assert deleted == points[:1]
    assert left("recovery-points", recorded.aws(ListRecoveryPointsByBackupVault=Absent("no vault"))) == []
    assert aws_storage.VAULT == "aws/efs/automatic-backup-vault"


def test_a_kind_that_cannot_be_looked_for_stops_no_other() -> None:
    ask = recorded.aws(DescribeVolumes=Denied("ec2:DescribeVolumes"), DescribeSnapshots={"Snapshots": []})
    swept = survey([KINDS["volumes"], KINDS["snapshots"]], PLACE, ask)
    assert [found.problem for found in swept] == ["the credentials may not ec2:DescribeVolumes", ""]


def test_one_that_is_refused_stops_no_other() -> None:
    refused = {"vol-1": NoAnswer("VolumeInUse: it is in use"), "vol-2": {}, "vol-3": Denied("ec2:DeleteVolume")}
    found = [Leftover(kind="volumes", id=each, whose="ours", why="x") for each in refused]
    outcomes = remove(KINDS["volumes"], found, PLACE, recorded.aws(DeleteVolume=lambda VolumeId: refused[VolumeId]))
    assert [each.done for each in outcomes] == [False, True, False]
    assert outcomes[2].said == "the credentials may not ec2:DeleteVolume"


def test_every_kind_asks_what_it_declares_and_has_a_name_of_its_own(account: AwsAccount) -> None:
    assert len(KINDS) == len(AWS)
    asked: list[str] = []

    def ask(action: str, /, **parameters: Any) -> Any:
        asked.append(action)
        return account(action, **parameters)

    for kind in AWS:
        asked.clear()
        survey([kind], PLACE, ask)
        assert {*asked} <= {*kind.finds}, kind.name
        assert (kind.delete is None) == (not kind.deletes)


def test_a_service_of_two_interfaces_is_found_by_the_name_that_the_policy_has() -> None:
    for kind in AWS:
        for action in (*kind.finds, *kind.deletes):
            assert recorded.operation(action).name == action.rpartition(":")[2]
