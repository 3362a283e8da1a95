"""The named types that settings are written in: one line each, so that the models read as prose.

Their checks raise `ValueError` with the rule and a way out. Every text and number of the settings is of such a type:
`tests/unit/test_specs_vocabulary.py` walks through the schema for one that takes whatever it is given.
"""

import base64
import binascii
import ipaddress
import re
import ssl
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from llmplatform.specs import grammar


@dataclass(frozen=True)
class _Matching:
    """Text of a form; the form is in the JSON schema, too."""

    pattern: str
    rule: str
    longest: int | None = None
    alphabet: re.RegexFlag = re.ASCII
    """Digits and letters are those of ASCII: others look the same, and every cloud refuses them."""

    def check(self, value: str) -> str:
        if self.longest and len(value) > self.longest:
            raise ValueError(f"'{value}' is too long; write at most {self.longest} characters")
        if not re.fullmatch(self.pattern, value, self.alphabet):
            raise ValueError(f"'{value}' is not valid; {self.rule}")
        return value

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        length = {"maxLength": self.longest} if self.longest else {}
        # Editors read a `\w` as ASCII alone.
        pattern = self.pattern if self.alphabet is re.ASCII else self.pattern.replace(r"\w", r"\w\u0080-\uffff")
        return {**handler(schema), "pattern": f"^(?:{pattern})$", **length}


def _cidr(value: str) -> str:
    try:
        if not re.fullmatch(r"\d+(\.\d+){3}/\d+", value, re.ASCII):
            raise ValueError
        network = ipaddress.IPv4Network(value)
    except ValueError:
        raise ValueError(
            f"'{value}' is not an IPv4 range; write one like 10.20.0.0/16, with no host bits set"
        ) from None
    return str(network)


def _address(value: str) -> str:
    try:
        address = ipaddress.IPv4Address(value)
    except ValueError:
        raise ValueError(f"'{value}' is not an IPv4 address; write one like 1.1.1.1") from None
    if address.is_loopback or address.is_link_local or address.is_multicast or address.is_unspecified:
        raise ValueError(f"'{value}' is reached from no pod; write one like 1.1.1.1")
    return str(address)


def _certificate(value: str) -> str:
    rule = "copy certificateAuthority.data of aws eks describe-cluster"
    try:
        decoded = base64.b64decode(value.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raise ValueError(f"it is not base64; {rule}") from None
    if b"-----BEGIN CERTIFICATE-----" not in decoded:
        raise ValueError(f"it is no certificate (PEM) in base64; {rule}")
    return value


def _bundle(value: str) -> str:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=value)
    # TypeError: letters beyond ASCII.
    except (ssl.SSLError, TypeError, ValueError):
        raise ValueError("it is no certificate (PEM); write what begins with -----BEGIN CERTIFICATE-----") from None
    return value


_LABEL = _Matching(r"[a-z]([-a-z0-9]*[a-z0-9])?", "use lower-case letters, digits and '-', beginning with a letter")

Name = Annotated[str, Field(min_length=1, max_length=32), _LABEL]
"""Name of a model, a namespace or a class in the cluster."""

ObjectName = Annotated[
    str,
    Field(max_length=253),
    _Matching(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?", "use lower-case letters, digits, '-' and '.'"),
]
"""Name of an object in the cluster that others have named."""

EnvironmentName = Annotated[str, Field(min_length=1, max_length=16), _LABEL]
PoolName = Annotated[str, Field(min_length=1, max_length=24), _LABEL]
"""Together, with the way of paying and a random end, they fit the 63 characters of a node group's name."""

Cidr = Annotated[str, AfterValidator(_cidr), Field(json_schema_extra={"pattern": r"^\d+(\.\d+){3}/\d+$"})]
Address = Annotated[str, AfterValidator(_address), Field(json_schema_extra={"pattern": r"^\d+(\.\d+){3}$"})]
PortNumber = Annotated[int, Field(ge=1, le=65535)]
Certificate = Annotated[
    str, AfterValidator(_certificate), Field(max_length=65536, json_schema_extra={"pattern": "^[A-Za-z0-9+/]+=*$"})
]
CertificateBundle = Annotated[
    str,
    AfterValidator(_bundle),
    Field(max_length=200_000, json_schema_extra={"pattern": "-----BEGIN CERTIFICATE-----"}),
]
"""One certificate or more, as PEM."""
AwsAccountId = Annotated[str, _Matching(r"\d{12}", "an AWS account id has exactly 12 digits, in quotes")]
AwsRegion = Annotated[str, _Matching(r"[a-z]{2}(-[a-z]+)+-\d", "write a region like us-east-1", longest=32)]
AwsZone = Annotated[
    str,
    _Matching(r"[a-z]{2}(-[a-z]+)+-\d[a-f]", "write a zone like us-east-1a: a region, and a letter from a to f"),
]
AwsPrincipal = Annotated[
    str,
    _Matching(
        r"arn:(aws|aws-cn|aws-us-gov):iam::\d{12}:(role|user)/([\w+=,.@-]+/)*[\w+=,.@-]{1,64}",
        "write the ARN of an IAM role or user, like arn:aws:iam::111122223333:role/admin",
        longest=600,
    ),
]
RoleArn = Annotated[
    str,
    _Matching(
        r"arn:aws[-a-z]*:iam::\d{12}:role/\S+", "write a role's ARN, like arn:aws:iam::111122223333:role/deploy", 600
    ),
]
PolicyArn = Annotated[
    str,
    _Matching(
        r"arn:aws[-a-z]*:iam::(\d{12}|aws):policy/\S+",
        "write a policy's ARN, like arn:aws:iam::111122223333:policy/boundary",
        700,
    ),
]
KmsKeyArn = Annotated[
    str,
    _Matching(
        r"arn:aws[-a-z]*:kms:[-a-z0-9]+:\d{12}:key/[-A-Za-z0-9]+",
        "write a key's ARN, like arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
        200,
    ),
]
RolePath = Annotated[str, _Matching(r"/([!-.0-~]+/)*", "begin and end with '/', like /platform/", 512)]
ProfileName = Annotated[
    str, _Matching(r"[A-Za-z0-9_@.+][\w@.+/-]{0,127}", "write the name of a profile of the AWS CLI, like platform-prod")
]
AddonVersion = Annotated[
    str, _Matching(r"v\d+\.\d+\.\d+-eksbuild\.\d+", "write a version like v1.35.3-eksbuild.25", 40)
]
SettingKey = Annotated[str, _Matching(r"[A-Za-z][-\w.]{0,62}", "write a key of the add-on's, like controller")]
AlicloudAccountId = Annotated[str, _Matching(r"\d{16}", "an Alibaba Cloud account id has exactly 16 digits, in quotes")]
AlicloudRegion = Annotated[str, _Matching(r"[a-z]{2}-[a-z]+(-\d)?", "write a region like cn-hangzhou")]
Zone = Annotated[
    str,
    _Matching(
        r"[a-z]{2}(-[a-z]+)+-(\d[a-f]|(\d-?)?[a-z])", "write a zone like us-east-1a or cn-hangzhou-i", longest=32
    ),
]
"""Of any cloud."""
AlicloudZone = Annotated[str, _Matching(r"[a-z]{2}-[a-z]+-(\d-?)?[a-z]", "write a zone like cn-hangzhou-i")]
RamPrincipal = Annotated[
    str,
    _Matching(
        r"(user|role)/\d{15,20}",
        "write 'user/' or 'role/' and the id that RAM shows for it, like role/301234567890123456",
    ),
]
ClusterName = Annotated[str, _Matching(r"[A-Za-z0-9][-\w]{0,99}", "use at most 100 letters, digits, '-' and '_'")]
AckClusterId = Annotated[str, _Matching(r"c[0-9a-z]{32}", "write a cluster id: 'c' and 32 letters and digits")]
AckRelease = Annotated[str, _Matching(r"1\.\d{2}\.\d+-aliyun\.\d+", "write an exact version like 1.35.2-aliyun.1")]
DriverVersion = Annotated[str, _Matching(r"\d{3}\.\d{1,3}(\.\d{2})?", "write a driver version like 580.126.09")]
AlicloudVpcId = Annotated[str, _Matching(r"vpc-[0-9a-z]{8,25}", "write a VPC id like vpc-bp1aevy8sofi8mh1qabcd")]
VswitchId = Annotated[str, _Matching(r"vsw-[0-9a-z]{8,25}", "write a vSwitch id like vsw-bp12mw1f8k3jgygk9abcd")]
AlicloudSecurityGroupId = Annotated[
    str, _Matching(r"sg-[0-9a-z]{8,25}", "write a security group id like sg-bp1a2b3c4d5e6f7g8h")
]
VpcId = Annotated[str, _Matching(r"vpc-[0-9a-f]{8,17}", "write a VPC id like vpc-0123456789abcdef0")]
SubnetId = Annotated[str, _Matching(r"subnet-[0-9a-f]{8,17}", "write a subnet id like subnet-0123456789abcdef0")]
SecurityGroupId = Annotated[str, _Matching(r"sg-[0-9a-f]{8,17}", "write a security group id like sg-0123456789abcdef0")]
InstanceFamily = Annotated[
    str, _Matching(r"[a-z0-9]+([-a-z0-9]*[a-z0-9])?", "write the family alone, like gn7i", longest=32)
]
InstanceTypeName = Annotated[
    str, _Matching(r"[a-z0-9]+([-.][a-z0-9]+)+", "write an instance type like g5.2xlarge", longest=48)
]
NodeRelease = Annotated[
    str,
    _Matching(r"\d+\.\d+\.\d+-[0-9a-z]+", "write a release like 1.35.7-20260903, or 1.65.0-0be31b34 of Bottlerocket"),
]
EcsImageId = Annotated[
    str, _Matching(r"[A-Za-z][\w.-]{1,127}", "write an image id like aliyun_3_x64_20G_container_optimized_20260801.vhd")
]
AliyunProfile = Annotated[
    str,
    _Matching(r"[A-Za-z0-9_@.+][\w@.+-]{0,127}", "write a profile of the aliyun CLI, like platform-prod"),
]
# Resource Management, CreateResourceGroup: rg-acfmxazb4ph6a****.
ResourceGroupId = Annotated[str, _Matching(r"rg-[a-z0-9]{6,32}", "write a resource group's id, like rg-acfmxazb4ph6")]
# ECS, RunInstances, UserData: a script begins with #!; 16 KB before it is encoded.
NodeScript = Annotated[str, _Matching(r"#![^\x00]*", "write a script whose first line begins with #!", longest=16_384)]
TimeOfDay = Annotated[
    str,
    _Matching(
        r"([01]\d|2[0-3]):[0-5]\d(Z|[+-](0\d|1[0-4]):[0-5]\d)",
        "write a time with its offset from UTC in quotes, like '02:00+08:00'",
    ),
]
EcsKeyPair = Annotated[
    str,
    # ECS, CreateKeyPair: 2 to 128 characters, a letter first; letters, digits, colons, underscores and hyphens.
    _Matching(
        r"(?!https?://)[A-Za-z][A-Za-z0-9:_-]{1,127}", "write the name of a key pair of the region, like operators"
    ),
]
KubernetesMinor = Annotated[str, _Matching(r"1\.\d{2}", 'write a minor version in quotes, like "1.35"')]
EngineArgument = Annotated[
    str,
    _Matching(
        r"--[a-z0-9][-a-z0-9_.]*(=[^\x00-\x1f]+)?",
        "write a long flag, with '=' before its value: --max-num-batched-tokens=8192",
        longest=4096,
    ),
]
VariableName = Annotated[str, _Matching(r"[A-Za-z_][A-Za-z0-9_]{0,127}", "write letters, digits and '_'")]
VariableValue = Annotated[str, _Matching(r"[^\x00-\x1f\x7f]*", "write one line of text", longest=4096)]
ServedName = Annotated[str, _Matching(r"[\w.][\w./:-]{0,127}", "write letters, digits and . _ - / :")]
Revision = Annotated[
    str, _Matching(grammar.GIT_REVISION, "write a commit, a tag or a branch of the weights", longest=255)
]
ModelId = Annotated[str, _Matching(grammar.HUGGINGFACE_ID, "write a Hugging Face id like Qwen/Qwen3-8B")]
Host = Annotated[
    str,
    _Matching(grammar.LOWER_HOST, "write a host name like llm.example.org", longest=grammar.LONGEST_HOST),
]
HostedZoneId = Annotated[
    str, _Matching(r"Z[A-Z0-9]{5,31}", "write the id of a Route 53 hosted zone like Z0123456789ABCDEFGHIJ")
]
Email = Annotated[str, _Matching(grammar.EMAIL, "write an e-mail address", longest=254)]
LabelKey = Annotated[
    str,
    _Matching(
        grammar.LABEL_KEY,
        "use at most 63 letters, digits, '-', '_' and '.', after a domain and '/' if there is one",
        longest=253 + 1 + 63,
    ),
]
LabelValue = Annotated[str, _Matching(rf"({grammar.LABEL_NAME})?", "use at most 63 letters, digits, '-', '_' and '.'")]
TagKey = Annotated[
    str,
    # Letters of any alphabet: both clouds take them, and teams write them.
    _Matching(
        r"(?! )[-\w .:/=+@]{1,128}(?<! )",
        "use at most 128 letters, digits, spaces within and . : / = + - @ _",
        alphabet=re.UNICODE,
    ),
]
TagValue = Annotated[
    str,
    _Matching(
        r"(?! )[-\w .:/=+@]{0,256}(?<! )",
        "use at most 256 letters, digits, spaces within and . : / = + - @ _",
        alphabet=re.UNICODE,
    ),
]
Owner = Annotated[
    str,
    _Matching(
        r"(?! )[-\w .:/=+@]{1,256}(?<! )",
        "write who it is: 1 to 256 letters, digits, spaces within and . : / = + - @ _",
        alphabet=re.UNICODE,
    ),
]
"""Value of a tag by which cost and blame are told apart: an empty one tells nothing."""
HttpsUrl = Annotated[
    str,
    _Matching(
        f"https://{grammar.HOST_OR_ADDRESS}{grammar.PORT}{grammar.PATH}/?",
        "write an https:// address of host, port and path alone",
        longest=2048,
    ),
]
ProxyUrl = Annotated[
    str,
    _Matching(
        rf"(?=http://[^/]*:\d)http://{grammar.HOST_OR_ADDRESS}{grammar.PORT}",
        "write host and port, like http://proxy.example.org:3128, with neither a password nor a path",
        longest=300,
    ),
]
"""Of a proxy that is spoken to in clear text, through which connections go encrypted."""
Unproxied = Annotated[
    str,
    _Matching(grammar.UNPROXIED, "write a host, a domain like .example.org, or a range of addresses", longest=255),
]
EndpointUrl = Annotated[
    str,
    _Matching(
        f"https://({grammar.HOST_OR_ADDRESS}|{grammar.LOOPBACK}){grammar.PORT}/?",
        "write the https:// address of the API server, of host and port alone",
        longest=2048,
    ),
]
"""As this machine reaches it: a tunnel to a private cluster begins on loopback."""
ChartAddress = Annotated[
    str,
    _Matching(
        f"(https|oci)://{grammar.HOST_OR_ADDRESS}{grammar.PORT}{grammar.PATH}",
        "write an https:// or oci:// address, without a '/' at its end",
        longest=2048,
    ),
]
KmsKeyId = Annotated[
    str,
    _Matching(
        r"key-[0-9a-z]{8,40}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "write a key id like key-hzz65f1c2d3e4f5a6b7c8"
    ),
]
KmsInstanceId = Annotated[
    str, _Matching(r"kst-[0-9a-z]{8,40}", "write a KMS instance id like kst-hzz65f1c2d3e4f5a6b7c8")
]
AcrInstanceId = Annotated[str, _Matching(r"cri-[0-9a-z]{8,25}", "write an instance id like cri-abcdefgh12345678")]
RegistryHost = Annotated[
    str,
    _Matching(f"{grammar.LOWER_HOST_OR_ADDRESS}{grammar.PORT}", "write a registry host like docker.io", longest=255),
]
RegistryUser = Annotated[
    str, _Matching(r"[!-9;-~]{1,255}", "write the name that the registry knows, which has no ':' and no space")
]
"""As basic authentication splits it from the password (RFC 7617, 2)."""
ImageReference = Annotated[
    str,
    _Matching(
        r"(?=.{1,255}(:[^/:@]+)?(@sha256:[0-9a-f]+)?$)"
        f"{grammar.LOWER_HOST_OR_ADDRESS}{grammar.PORT}{grammar.IMAGE_PATH}"
        r"(:(?!latest(@|$))\w[\w.-]{0,127}(@sha256:[0-9a-f]{64})?|@sha256:[0-9a-f]{64})",
        "write registry, name and tag or digest, like registry.example.org/vllm-openai:v0.33.0-1; 'latest' moves",
        longest=255 + 1 + 128 + 72,
    ),
]
RegistryPrefix = Annotated[
    str,
    _Matching(
        f"{grammar.LOWER_HOST_OR_ADDRESS}{grammar.PORT}({grammar.IMAGE_PATH})?",
        "write a registry prefix like registry.example.org/mirror, without https:// and without a '/' at its end",
        longest=200,
    ),
]
