"""Rights of workloads in AWS, each as narrow as IAM allows: the grants of their identities.

Sources: cluster-autoscaler's AWS provider README, "Full Cluster Autoscaler Features Policy"; "Route53", ACME DNS-01
configuration, cert-manager's documentation; conditions of Route 53 in the service authorization reference.
"""

import pulumi

from llmplatform.aws.policies import Statement
from llmplatform.base.contracts import Grant
from llmplatform.base.policies import Conditions
from llmplatform.catalog import hosts
from llmplatform.specs.cloud import Aws

CHALLENGES = "_acme-challenge.*"
"""Names of ACME challenges (RFC 8555, 8.4), as Route 53 writes names in conditions."""


def scale_node_groups(name: str, cloud: Aws, cluster_name: pulumi.Output[str]) -> Grant:
    """The right of cluster-autoscaler to read about node groups, and to size those of its cluster."""
    return Grant(name=name, statements=cluster_name.apply(lambda known: _scaling(cloud, known)))


def answer_challenges(name: str, cloud: Aws, hosted_zone: str, zone_role: str | None) -> Grant:
    """The right to prove ownership of a domain, by TXT records of one hosted zone, which exists and is public.

    `zone_role`: role in the zone's account, which cert-manager assumes. None: the zone is in the same account.
    """
    return Grant(name=name, statements=_assume(zone_role) if zone_role else _records(cloud, hosted_zone))


def solver(cloud: Aws, hosted_zone: str, zone_role: str | None) -> dict[str, object]:
    """The solver of cert-manager's ACME issuers: Route 53, which cert-manager supports itself.

    With the zone's id it does not search the whole account.
    """
    elsewhere = {"role": zone_role} if zone_role else {}
    return {"dns01": {"route53": {"region": cloud.region, "hostedZoneID": hosted_zone, **elsewhere}}}


def read_objects(cloud: Aws, name: str, /, *, bucket: str, prefix: str, key: str | None = None) -> Grant:
    """The right to list and read the objects of a bucket below a prefix. `key`: ARN of the KMS key that they have.

    Sources: actions, resources and condition keys of Amazon S3 and AWS KMS in the service authorization reference;
    "Using server-side encryption with AWS KMS keys", S3 user guide.
    """
    return Grant(name=name, statements=_reading(cloud, bucket, prefix, key))


def _reading(cloud: Aws, bucket: str, prefix: str, key: str | None) -> tuple[Statement, ...]:
    objects = f"arn:{cloud.partition}:s3:::{bucket}"
    listing = Statement(
        sid="ListThePrefix",
        actions=("s3:ListBucket",),
        resources=(objects,),
        conditions={"StringEquals": {"s3:prefix": f"{prefix}/"}},
    )
    reading = Statement(sid="ReadObjects", actions=("s3:GetObject",), resources=(f"{objects}/{prefix}/*",))
    if key is None:
        return (listing, reading)
    decrypting = for_objects(key, objects, f"{objects}/{prefix}/*")
    return (
        listing,
        reading,
        Statement(sid="DecryptObjects", actions=("kms:Decrypt",), resources=(key,), conditions=decrypting),
    )


def for_objects(key: str, bucket: str, objects: str) -> Conditions:
    """Conditions of the use of a KMS key: by S3 alone, for the objects of a bucket. All are ARNs."""
    return {
        "StringEquals": {"kms:ViaService": hosts.s3(key.split(":")[3])},
        # With a bucket key, the context of the encryption is the bucket; else it is the object.
        "StringLike": {"kms:EncryptionContext:aws:s3:arn": [bucket, objects]},
    }


def _scaling(cloud: Aws, cluster: str) -> tuple[Statement, ...]:
    """What the autoscaler of a cluster needs. EKS puts the `owned` tag on the groups of its node groups by itself."""
    place = f"{cloud.partition}:{{service}}:{cloud.region}:{cloud.account_id}"
    return (
        Statement(
            sid="ReadGroups",
            actions=(
                "autoscaling:DescribeAutoScalingGroups",
                "autoscaling:DescribeAutoScalingInstances",
                "autoscaling:DescribeLaunchConfigurations",
                # It shows a group without stock at once, and not after the time limit of a node.
                "autoscaling:DescribeScalingActivities",
                "autoscaling:DescribeTags",
            ),
            any_resource_because="EC2 Auto Scaling's Describe actions know no resource",
        ),
        Statement(
            sid="ReadMachines",
            actions=(
                "ec2:DescribeImages",
                "ec2:DescribeInstanceTypes",
                "ec2:DescribeLaunchTemplateVersions",
                "ec2:GetInstanceTypesFromInstanceRequirements",
            ),
            any_resource_because="EC2's Describe actions know no resource",
        ),
        Statement(
            sid="ReadNodeGroups",
            actions=("eks:DescribeNodegroup",),
            resources=(f"arn:{place.format(service='eks')}:nodegroup/{cluster}/*/*",),
        ),
        Statement(
            sid="SizeOwnGroups",
            actions=("autoscaling:SetDesiredCapacity", "autoscaling:TerminateInstanceInAutoScalingGroup"),
            resources=(f"arn:{place.format(service='autoscaling')}:autoScalingGroup:*:autoScalingGroupName/*",),
            conditions={"StringEquals": {f"aws:ResourceTag/k8s.io/cluster-autoscaler/{cluster}": "owned"}},
        ),
    )


def _assume(role: str) -> tuple[Statement, ...]:
    """The right to assume a role of another account, whose policy then needs what `_records` has.

    Its trust policy allows `sts:TagSession` as well: tags of pod identity's sessions go along (EKS user guide).
    """
    return (Statement(sid="TakeTheZonesRole", actions=("sts:AssumeRole", "sts:TagSession"), resources=(role,)),)


def _records(cloud: Aws, hosted_zone: str) -> tuple[Statement, ...]:
    """Rights to answer a challenge: they cannot redirect a host, or its mail."""
    zone = f"arn:{cloud.partition}:route53:::hostedzone/{hosted_zone}"
    return (
        Statement(
            sid="FollowChanges",
            actions=("route53:GetChange",),
            resources=(f"arn:{cloud.partition}:route53:::change/*",),
        ),
        Statement(sid="ReadRecords", actions=("route53:ListResourceRecordSets",), resources=(zone,)),
        Statement(
            sid="AnswerChallenges",
            actions=("route53:ChangeResourceRecordSets",),
            resources=(zone,),
            conditions={
                "ForAllValues:StringLike": {"route53:ChangeResourceRecordSetsNormalizedRecordNames": [CHALLENGES]},
                "ForAllValues:StringEquals": {
                    "route53:ChangeResourceRecordSetsRecordTypes": ["TXT"],
                    "route53:ChangeResourceRecordSetsActions": ["UPSERT", "DELETE"],
                },
            },
        ),
    )
