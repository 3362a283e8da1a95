"""Rights of workloads in Alibaba Cloud, each as narrow as RAM allows: the grants of their identities.

cert-manager does not support Alibaba Cloud DNS: a webhook answers challenges, with an identity of its own.
Sources: "RAM authorization" of AddDomainRecord, DeleteDomainRecord and DescribeDomainRecords, Alibaba Cloud DNS API
reference; README of crazygit/cert-manager-alidns-webhook, and its `pkg/alidns/solver.go`, which writes where
cert-manager's search has ended (`ResolvedFQDN`); "Delegated Domains for DNS01", cert-manager's documentation.
"""

import pulumi_alicloud as alicloud

from llmplatform.alicloud.policies import Statement
from llmplatform.base.contracts import Grant
from llmplatform.specs.cloud import Alicloud

SOLVER_GROUP = "alidns.crazygit.github.io"
"""API group under which cert-manager calls the webhook: the chart's own."""


def answer_challenges(name: str, cloud: Alicloud, domain: str) -> Grant:
    """The right to prove ownership of a domain, by records of one domain in Alibaba Cloud DNS."""
    return Grant(name=name, statements=_records(cloud, domain))


def solver(*, delegated: bool) -> dict[str, object]:
    """The solver of cert-manager's ACME issuers.

    `delegated`: the domain is only for challenges: CNAME records of the hosts' domain point to it.
    """
    follow = {"cnameStrategy": "Follow"} if delegated else {}
    return {"dns01": {"webhook": {"groupName": SOLVER_GROUP, "solverName": "alidns"}, **follow}}


def read_write(name: str, bucket: alicloud.oss.Bucket) -> Grant:
    """The right to read and write the objects of a bucket."""
    return Grant(name=name, statements=bucket.bucket.apply(writing))


def read_objects(cloud: Alicloud, name: str, /, *, bucket: str, prefix: str, key: str | None = None) -> Grant:
    """The right to list and read the objects of a bucket below a prefix. `key`: id of the KMS key that they have.

    Sources: "OSS authorization syntax and elements" (`oss:Prefix`), HeadObject and GetObject (`oss:GetObject`,
    `kms:Decrypt`), OSS documentation; "Use RAM to manage access", KMS documentation.
    """
    return Grant(name=name, statements=_reading(cloud, bucket, prefix, key))


def _reading(cloud: Alicloud, bucket: str, prefix: str, key: str | None) -> tuple[Statement, ...]:
    listing = Statement(
        actions=("oss:ListObjects",),
        resources=(f"acs:oss:*:*:{bucket}",),
        conditions={"StringEquals": {"oss:Prefix": f"{prefix}/"}},
    )
    reading = Statement(actions=("oss:GetObject",), resources=(f"acs:oss:*:*:{bucket}/{prefix}/*",))
    if key is None:
        return (listing, reading)
    return (
        listing,
        reading,
        Statement(actions=("kms:Decrypt",), resources=(f"acs:kms:*:{cloud.account_id}:key/{key}",)),
    )


def reading(bucket: str) -> list[Statement]:
    """Statements to list and read the objects of a bucket."""
    return [
        Statement(actions=("oss:ListObjects", "oss:GetBucketInfo"), resources=(f"acs:oss:*:*:{bucket}",)),
        Statement(actions=("oss:GetObject",), resources=(f"acs:oss:*:*:{bucket}/*",)),
    ]


def writing(bucket: str, prefix: str = "") -> list[Statement]:
    """Statements to list, read, write and delete, with uploads in parts. Versions are not among them.

    Below a `prefix` without the list of unfinished uploads.
    """
    whole = f"acs:oss:*:*:{bucket}"
    listing = [
        Statement(
            actions=("oss:ListObjects",), resources=(whole,), conditions={"StringLike": {"oss:Prefix": f"{prefix}/*"}}
        ),
        Statement(actions=("oss:GetBucketInfo",), resources=(whole,)),
    ]
    everything = Statement(
        actions=("oss:ListObjects", "oss:ListMultipartUploads", "oss:GetBucketInfo"), resources=(whole,)
    )
    return [
        *(listing if prefix else [everything]),
        Statement(
            actions=(
                "oss:GetObject",
                "oss:PutObject",
                "oss:DeleteObject",
                "oss:AbortMultipartUpload",
                "oss:ListParts",
            ),
            resources=(f"{whole}/{prefix}/*" if prefix else f"{whole}/*",),
        ),
    ]


def _records(cloud: Alicloud, domain: str) -> tuple[Statement, ...]:
    """Rights to answer a challenge. RAM has no condition on the type of a record."""
    return (
        Statement(
            actions=("alidns:AddDomainRecord", "alidns:DeleteDomainRecord", "alidns:DescribeDomainRecords"),
            resources=(f"acs:alidns:*:{cloud.account_id}:domain/{domain}",),
        ),
    )
