"""What the clouds compute and components read, so that a component can index into it."""

import zlib
from collections.abc import Mapping

from llmplatform.testing.registration import Computed, Registered


def _hex(registered: Registered) -> str:
    return format(zlib.crc32(registered.urn.encode()), "08x")


CLOUD: Mapping[str, Computed] = {
    "aws:ec2/vpc:Vpc": lambda it: {"defaultSecurityGroupId": "sg-default", "mainRouteTableId": "rtb-main"},
    "aws:ec2/eip:Eip": lambda it: {"allocationId": f"eipalloc-{it.name}", "publicIp": "203.0.113.7"},
    "aws:cloudwatch/logGroup:LogGroup": lambda it: {
        "arn": f"arn:aws:logs:us-east-1:111122223333:log-group:{it.inputs.get('name', it.name)}"
    },
    "aws:ec2/launchTemplate:LaunchTemplate": {"latestVersion": 1},
    "aws:iam/role:Role": lambda it: {
        "name": f"{it.name}-{_hex(it)}",
        "arn": f"arn:aws:iam::111122223333:role/{it.name}",
    },
    "aws:kms/key:Key": lambda it: {
        "keyId": f"key-{it.name}",
        "arn": f"arn:aws:kms:us-east-1:111122223333:key/{it.name}",
    },
    "aws:s3/bucket:Bucket": lambda it: {
        "bucket": it.inputs.get("bucket", it.name),
        "arn": f"arn:aws:s3:::{it.inputs.get('bucket', it.name)}",
    },
    "aws:elasticache/replicationGroup:ReplicationGroup": lambda it: {
        "primaryEndpointAddress": f"master.{it.name}.abc123.use1.cache.amazonaws.com"
    },
    "aws:elasticache/parameterGroup:ParameterGroup": lambda it: {"name": f"{it.name}-{_hex(it)}"},
    "aws:elasticache/subnetGroup:SubnetGroup": lambda it: {"name": f"{it.name}-{_hex(it)}"},
    "aws:rds/instance:Instance": lambda it: {"address": f"{it.name}.rds.example.org", "port": 5432},
    "aws:rds/parameterGroup:ParameterGroup": lambda it: {"name": it.name},
    "aws:rds/subnetGroup:SubnetGroup": lambda it: {"name": it.name},
    "aws:eks/cluster:Cluster": lambda it: {
        "arn": f"arn:aws:eks:us-east-1:111122223333:cluster/{it.inputs.get('name', it.name)}",
        "endpoint": "https://0123456789ABCDEF.gr7.us-east-1.eks.amazonaws.com",
        "certificateAuthority": {"data": "Y2VydGlmaWNhdGU="},
        "identities": [{"oidcs": [{"issuer": "https://oidc.eks.us-east-1.amazonaws.com/id/0123456789ABCDEF"}]}],
        "vpcConfig": {**it.inputs.get("vpcConfig", {}), "clusterSecurityGroupId": "sg-cluster", "vpcId": "vpc-1"},
    },
    "aws:eks/nodeGroup:NodeGroup": lambda it: {
        "nodeGroupName": f"test-{it.name}-{_hex(it)}",
        "status": "ACTIVE",
        "resources": [{"autoscalingGroups": [{"name": f"eks-{it.name}"}]}],
    },
    "alicloud:vpc/natGateway:NatGateway": lambda it: {"snatTableIds": f"stb-{it.name}"},
    "alicloud:ecs/eipAddress:EipAddress": {"ipAddress": "203.0.113.7"},
    "alicloud:cs/managedKubernetes:ManagedKubernetes": lambda it: {
        "connections": [
            {
                "apiServerInternet": "https://203.0.113.9:6443" if it.inputs.get("slbInternetEnabled", True) else "",
                "apiServerIntranet": "https://10.40.192.5:6443",
            }
        ],
        "certificateAuthorities": [
            {"clusterCert": "Y2VydGlmaWNhdGU=", "clientCert": "Y2xpZW50", "clientKey": "Y2xpZW50LWtleQ=="}
        ],
        "rrsaMetadata": {
            "enabled": True,
            "ramOidcProviderArn": f"acs:ram::1111222233334444:oidc-provider/ack-rrsa-{it.name}-id",
            "rrsaOidcIssuerUrl": f"https://oidc-ack-cn-hangzhou.oss-cn-hangzhou.aliyuncs.com/{it.name}-id",
        },
        "securityGroupId": "sg-cluster",
    },
    "alicloud:cs/nodePool:NodePool": lambda it: {"scalingGroupId": f"asg-{it.name}", "nodePoolId": f"np-{it.name}"},
    "alicloud:nas/mountTarget:MountTarget": lambda it: {"mountTargetDomain": f"{it.name}.cn-hangzhou.nas.aliyuncs.com"},
    "alicloud:redis/tairInstance:TairInstance": lambda it: {"connectionDomain": f"{it.name}.redis.rds.aliyuncs.com"},
    "alicloud:rds/instance:Instance": lambda it: {"connectionString": f"{it.name}.pg.rds.aliyuncs.com"},
    "alicloud:ram/role:Role": lambda it: {"arn": f"acs:ram::1111222233334444:role/{it.inputs['roleName']}"},
    "random:index/randomId:RandomId": lambda it: {"hex": _hex(it)[:6], "b64Std": "c2FsdCBvZiBhIGxvZ2lu"},
    "random:index/randomPassword:RandomPassword": {"result": "Generated-passw0rd"},
}
