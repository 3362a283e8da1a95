"""Names and ids of Alibaba Cloud."""

from typing import Annotated

from llmplatform.specs.vocabulary.matching import Matching

AlicloudAccountId = Annotated[str, Matching(r"\d{16}", "an Alibaba Cloud account id has exactly 16 digits, in quotes")]
AlicloudRegion = Annotated[str, Matching(r"[a-z]{2}-[a-z]+(-\d)?", "write a region like cn-hangzhou")]
AlicloudZone = Annotated[str, Matching(r"[a-z]{2}-[a-z]+-(\d-?)?[a-z]", "write a zone like cn-hangzhou-i")]
RamPrincipal = Annotated[
    str,
    Matching(
        r"(user|role)/\d{15,20}",
        "write 'user/' or 'role/' and the id that RAM shows for it, like role/301234567890123456",
    ),
]
AckClusterId = Annotated[str, Matching(r"c[0-9a-z]{32}", "write a cluster id: 'c' and 32 letters and digits")]
AckRelease = Annotated[str, Matching(r"1\.\d{2}\.\d+-aliyun\.\d+", "write an exact version like 1.35.2-aliyun.1")]
DriverVersion = Annotated[str, Matching(r"\d{3}\.\d{1,3}(\.\d{2})?", "write a driver version like 580.126.09")]
AlicloudVpcId = Annotated[str, Matching(r"vpc-[0-9a-z]{8,25}", "write a VPC id like vpc-bp1aevy8sofi8mh1qabcd")]
VswitchId = Annotated[str, Matching(r"vsw-[0-9a-z]{8,25}", "write a vSwitch id like vsw-bp12mw1f8k3jgygk9abcd")]
AlicloudSecurityGroupId = Annotated[
    str, Matching(r"sg-[0-9a-z]{8,25}", "write a security group id like sg-bp1a2b3c4d5e6f7g8h")
]
InstanceFamily = Annotated[
    str, Matching(r"[a-z0-9]+([-a-z0-9]*[a-z0-9])?", "write the family alone, like gn7i", longest=32)
]
EcsImageId = Annotated[
    str, Matching(r"[A-Za-z][\w.-]{1,127}", "write an image id like aliyun_3_x64_20G_container_optimized_20260801.vhd")
]
AliyunProfile = Annotated[
    str,
    Matching(r"[A-Za-z0-9_@.+][\w@.+-]{0,127}", "write a profile of the aliyun CLI, like platform-prod"),
]
# Resource Management, CreateResourceGroup: rg-acfmxazb4ph6a****.
ResourceGroupId = Annotated[str, Matching(r"rg-[a-z0-9]{6,32}", "write a resource group's id, like rg-acfmxazb4ph6")]
# ECS, RunInstances, UserData: a script begins with #!; 16 KB before it is encoded.
NodeScript = Annotated[str, Matching(r"#![^\x00]*", "write a script whose first line begins with #!", longest=16_384)]
EcsKeyPair = Annotated[
    str,
    # ECS, CreateKeyPair: 2 to 128 characters, a letter first; letters, digits, colons, underscores and hyphens.
    Matching(
        r"(?!https?://)[A-Za-z][A-Za-z0-9:_-]{1,127}", "write the name of a key pair of the region, like operators"
    ),
]
KmsKeyId = Annotated[
    str,
    Matching(
        r"key-[0-9a-z]{8,40}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "write a key id like key-hzz65f1c2d3e4f5a6b7c8"
    ),
]
KmsInstanceId = Annotated[
    str, Matching(r"kst-[0-9a-z]{8,40}", "write a KMS instance id like kst-hzz65f1c2d3e4f5a6b7c8")
]
AcrInstanceId = Annotated[str, Matching(r"cri-[0-9a-z]{8,25}", "write an instance id like cri-abcdefgh12345678")]
