"""Names, labels, tags and other texts that are alike on every cloud."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from llmplatform.specs import grammar
from llmplatform.specs.vocabulary.matching import Matching

_LABEL = Matching(r"[a-z]([-a-z0-9]*[a-z0-9])?", "use lower-case letters, digits and '-', beginning with a letter")
Name = Annotated[str, Field(min_length=1, max_length=32), _LABEL]
"""Name of a model, a namespace or a class in the cluster."""
ObjectName = Annotated[
    str,
    Field(max_length=253),
    Matching(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?", "use lower-case letters, digits, '-' and '.'"),
]
"""Name of an existing object in the cluster."""
EnvironmentName = Annotated[
    str,
    Field(min_length=1, max_length=16),
    Matching(
        # Names of security groups begin with it (EC2, CreateSecurityGroup: GroupName "cannot start with sg-").
        r"(?!sg(-|$))[a-z]([-a-z0-9]*[a-z0-9])?",
        "use lower-case letters, digits and '-', beginning with a letter, but not with 'sg-', the mark of AWS' ids",
    ),
]
PoolName = Annotated[str, Field(min_length=1, max_length=24), _LABEL]
"""With the capacity type and a random suffix they fit the 63 characters of a node group's name."""
Zone = Annotated[
    str,
    Matching(r"[a-z]{2}(-[a-z]+)+-(\d[a-f]|(\d-?)?[a-z])", "write a zone like us-east-1a or cn-hangzhou-i", longest=32),
]
"""A zone of any cloud."""
ClusterName = Annotated[str, Matching(r"[A-Za-z0-9][-\w]{0,99}", "use at most 100 letters, digits, '-' and '_'")]
InstanceTypeName = Annotated[
    str, Matching(r"[a-z0-9]+([-.][a-z0-9]+)+", "write an instance type like g5.2xlarge", longest=48)
]
TimeOfDay = Annotated[
    str,
    Matching(
        r"([01]\d|2[0-3]):[0-5]\d(Z|[+-](0\d|1[0-4]):[0-5]\d)",
        "write a time with its offset from UTC in quotes, like '02:00+08:00'",
    ),
]
KubernetesMinor = Annotated[str, Matching(r"1\.\d{2}", 'write a minor version in quotes, like "1.35"')]
VariableName = Annotated[str, Matching(r"[A-Za-z_][A-Za-z0-9_]{0,127}", "write letters, digits and '_'")]
MetricName = Annotated[
    str, Matching(r"[A-Za-z_:][-\w.:]*", "write letters, digits and '_', ':', '.', '-'", longest=253)
]
"""A metric as a path of `custom.metrics.k8s.io` names it."""
VariableValue = Annotated[str, Matching(r"[^\x00-\x1f\x7f]*", "write one line of text", longest=4096)]
AnnotationValue = Annotated[
    str, Matching(r"[^\x00-\x08\x0b-\x1f\x7f]*", "write text without control characters", longest=16384)
]
Email = Annotated[str, Matching(grammar.EMAIL, "write an e-mail address", longest=254)]
DatabaseName = Annotated[
    str, Matching(r"[a-z_][a-z0-9_]{0,62}", "write at most 63 lower-case letters, digits and '_', no digit first")
]
"""A database or a user of Postgres that needs no quotes."""
CacheNodeType = Annotated[
    str,
    Matching(r"(cache|redis|tair)(\.[a-z0-9][-a-z0-9]*){2,6}", "write a node type like cache.t4g.small", longest=64),
]
"""Size of a managed cache's node, as its cloud calls it."""
CacheUser = Annotated[str, Matching(r"[A-Za-z][-\w]{0,127}", "write at most 128 letters, digits, '-' and '_'")]
DatabaseClass = Annotated[
    str,
    Matching(
        r"db(\.[a-z0-9][-a-z0-9]*){2,4}|pg(\.[a-z0-9]+){2,4}", "write a class like db.t4g.medium or pg.n2.2c.2m", 64
    ),
]
"""Machine of a managed Postgres: `db.` on AWS, `pg.` on Alibaba Cloud."""
ServerName = Annotated[str, Field(min_length=1, max_length=40), _LABEL]
"""A server of Postgres within the cluster. CloudNativePG adds to it in names of 63 characters."""
ParameterName = Annotated[
    str,
    Matching(r"[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)?", "write a parameter as Postgres' documentation does", longest=63),
]
ParameterValue = Annotated[str, Matching(r"[^\x00-\x1f\x7f]*", "write one line of text in quotes", longest=1024)]
_RESERVED_IN_S3 = re.compile(r"(xn--|sthree-|amzn-s3-demo-).*|.*(-s3alias|--ol-s3|--x-s3|--table-s3)")
"""S3 user guide, "General purpose bucket naming rules"."""


def _free_in_s3(value: str) -> str:
    if _RESERVED_IN_S3.fullmatch(value):
        raise ValueError(f"'{value}' begins or ends as S3 reserves it for itself; write the name of a bucket")
    return value


BucketName = Annotated[
    str,
    Matching(
        r"[a-z0-9][-a-z0-9]{1,61}[a-z0-9]",
        "write 3 to 63 lower-case letters, digits and '-', without a '-' at either end",
    ),
    AfterValidator(_free_in_s3),
]
"""A bucket of S3 or OSS. S3 accepts dots as well, but no certificate fits such a name."""
LabelKey = Annotated[
    str,
    Matching(
        grammar.LABEL_KEY,
        "use at most 63 letters, digits, '-', '_' and '.', after a domain and '/' if there is one",
        longest=253 + 1 + 63,
    ),
]
LabelValue = Annotated[str, Matching(rf"({grammar.LABEL_NAME})?", "use at most 63 letters, digits, '-', '_' and '.'")]
TagKey = Annotated[
    str,
    # Letters of any alphabet: both clouds accept them, and teams use them.
    Matching(
        r"(?! )[-\w .:/=+@]{1,128}(?<! )",
        "use at most 128 letters, digits, spaces within and . : / = + - @ _",
        alphabet=re.UNICODE,
    ),
]
TagValue = Annotated[
    str,
    Matching(
        r"(?! )[-\w .:/=+@]{0,256}(?<! )",
        "use at most 256 letters, digits, spaces within and . : / = + - @ _",
        alphabet=re.UNICODE,
    ),
]
Owner = Annotated[
    str,
    Matching(
        r"(?! )[-\w .:/=+@]{1,256}(?<! )",
        "write who it is: 1 to 256 letters, digits, spaces within and . : / = + - @ _",
        alphabet=re.UNICODE,
    ),
]
"""Value of a tag for cost and ownership. It must not be empty."""
