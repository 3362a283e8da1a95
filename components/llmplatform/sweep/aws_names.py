"""Leftover names on AWS: log groups, DNS records, keys, and other objects with the environment's tag."""

from collections.abc import Iterator

from llmplatform.doctor.checks import Absent, Ask
from llmplatform.sweep.aws_tags import TAGGED, tagged
from llmplatform.sweep.kinds import Kind, Leftover, Owner, Place, by_cluster, by_tag, rest, simple_kind

EXISTS = "eks:DescribeCluster"
_ELSEWHERE = frozenset(
    {
        ("elasticloadbalancing", "loadbalancer"),
        ("ec2", "network-interface"),
        ("ec2", "vpc-endpoint"),
        ("ec2", "security-group"),
        ("ec2", "volume"),
        ("ec2", "snapshot"),
        ("elasticfilesystem", "file-system"),
        ("logs", "log-group"),
        ("kms", "key"),
        ("backup", "recovery-point"),
    }
)
"""Service and type of objects that have a kind here."""


def _log_groups(place: Place, ask: Ask) -> Iterator[Leftover]:
    seen: set[str] = set()
    for cluster in sorted(place.clusters):
        for prefix in (f"/aws/eks/{cluster}/", f"/aws/containerinsights/{cluster}/"):
            for each in ask("logs:DescribeLogGroups", logGroupNamePrefix=prefix)["logGroups"]:
                seen.add(each["logGroupName"])
                whose = by_cluster(cluster, f"named after cluster {cluster}", place.alive)
                yield whose.left("log-groups", each["logGroupName"])
    for arn in tagged(place, ask, "logs:log-group"):
        name = arn.partition(":log-group:")[2].removesuffix(":*")
        if name not in seen:
            yield by_tag(place).left("log-groups", name)


def _records(place: Place, ask: Ask) -> Iterator[Leftover]:
    if not place.zone or not place.host:
        return
    challenge = f"_acme-challenge.{place.host}."
    try:
        found = ask("route53:ListResourceRecordSets", HostedZoneId=place.zone)["ResourceRecordSets"]
    except Absent:
        return  # A missing zone has no records.
    for each in found:
        if each["Type"] == "TXT" and each["Name"] == challenge:
            yield Owner("ours", f"a challenge for {place.host}").left("dns-records", challenge, "TXT")


def _delete_record(leftover: Leftover, place: Place, ask: Ask) -> None:
    for each in ask("route53:ListResourceRecordSets", HostedZoneId=place.zone)["ResourceRecordSets"]:
        if each["Type"] == "TXT" and each["Name"] == leftover.id:
            change = {"Changes": [{"Action": "DELETE", "ResourceRecordSet": each}]}
            ask("route53:ChangeResourceRecordSets", HostedZoneId=place.zone, ChangeBatch=change)


def _keys(place: Place, ask: Ask) -> Iterator[Leftover]:
    for arn in tagged(place, ask, "kms:key"):
        key = ask("kms:DescribeKey", KeyId=arn)["KeyMetadata"]
        waits = key.get("KeyState") == "PendingDeletion"
        until = f"{key.get('DeletionDate', '')}".partition(" ")[0]
        yield by_tag(place).left(
            "keys",
            arn,
            f"deleted on {until}" if waits else str(key.get("KeyState", "")),
            "nothing to do: it costs nothing while it waits"
            if waits
            else f"what it encrypts is unreadable once it is deleted: `aws kms schedule-key-deletion --key-id {arn}`",
        )


def _rest(place: Place, ask: Ask) -> Iterator[Leftover]:
    return rest(place, tagged(place, ask), _ELSEWHERE)


def living(place: Place, ask: Ask) -> dict[str, str]:
    """The environment's clusters that still exist, and the existing one that it used."""
    found: dict[str, str] = {}
    for cluster in sorted(place.clusters | ({place.within} if place.within else set[str]())):
        try:
            ask(EXISTS, name=cluster)
        except Absent:
            continue
        found[cluster] = cluster
    return found


KINDS: tuple[Kind, ...] = (
    simple_kind(
        "log-groups",
        "log groups",
        _log_groups,
        ("logs:DescribeLogGroups", TAGGED),
        "logs:DeleteLogGroup",
        "logGroupName",
    ),
    Kind(
        name="dns-records",
        title="records of DNS that prove a host",
        find=_records,
        finds=("route53:ListResourceRecordSets",),
        deletes=("route53:ListResourceRecordSets", "route53:ChangeResourceRecordSets"),
        delete=_delete_record,
    ),
    simple_kind("keys", "keys, which are only shown", _keys, (TAGGED, "kms:DescribeKey")),
    simple_kind("others", "other things with the environment's tag, which are only shown", _rest, (TAGGED,)),
)
