"""Names and ids of AWS."""

from typing import Annotated

from llmplatform.specs.vocabulary.matching import Matching

AwsAccountId = Annotated[str, Matching(r"\d{12}", "an AWS account id has exactly 12 digits, in quotes")]
AwsRegion = Annotated[str, Matching(r"[a-z]{2}(-[a-z]+)+-\d", "write a region like us-east-1", longest=32)]
AwsZone = Annotated[
    str,
    Matching(r"[a-z]{2}(-[a-z]+)+-\d[a-f]", "write a zone like us-east-1a: a region, and a letter from a to f"),
]
AwsPrincipal = Annotated[
    str,
    Matching(
        r"arn:(aws|aws-cn|aws-us-gov):iam::\d{12}:(role|user)/([\w+=,.@-]+/)*[\w+=,.@-]{1,64}",
        "write the ARN of an IAM role or user, like arn:aws:iam::111122223333:role/admin",
        longest=600,
    ),
]
RoleArn = Annotated[
    str,
    Matching(
        r"arn:aws[-a-z]*:iam::\d{12}:role/\S+", "write a role's ARN, like arn:aws:iam::111122223333:role/deploy", 600
    ),
]
PolicyArn = Annotated[
    str,
    Matching(
        r"arn:aws[-a-z]*:iam::(\d{12}|aws):policy/\S+",
        "write a policy's ARN, like arn:aws:iam::111122223333:policy/boundary",
        700,
    ),
]
KmsKeyArn = Annotated[
    str,
    Matching(
        r"arn:aws[-a-z]*:kms:[-a-z0-9]+:\d{12}:key/[-A-Za-z0-9]+",
        "write a key's ARN, like arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
        200,
    ),
]
RolePath = Annotated[str, Matching(r"/([!-.0-~]+/)*", "begin and end with '/', like /platform/", 512)]
ProfileName = Annotated[
    str, Matching(r"[A-Za-z0-9_@.+][\w@.+/-]{0,127}", "write the name of a profile of the AWS CLI, like platform-prod")
]
AddonVersion = Annotated[str, Matching(r"v\d+\.\d+\.\d+-eksbuild\.\d+", "write a version like v1.35.3-eksbuild.25", 40)]
SettingKey = Annotated[str, Matching(r"[A-Za-z][-\w.]{0,62}", "write a key of the add-on's, like controller")]
VpcId = Annotated[str, Matching(r"vpc-[0-9a-f]{8,17}", "write a VPC id like vpc-0123456789abcdef0")]
SubnetId = Annotated[str, Matching(r"subnet-[0-9a-f]{8,17}", "write a subnet id like subnet-0123456789abcdef0")]
SecurityGroupId = Annotated[str, Matching(r"sg-[0-9a-f]{8,17}", "write a security group id like sg-0123456789abcdef0")]
NodeRelease = Annotated[
    str,
    Matching(r"\d+\.\d+\.\d+-[0-9a-z]+", "write a release like 1.35.7-20260903, or 1.65.0-0be31b34 of Bottlerocket"),
]
HostedZoneId = Annotated[
    str, Matching(r"Z[A-Z0-9]{5,31}", "write the id of a Route 53 hosted zone like Z0123456789ABCDEFGHIJ")
]
