"""A simulated account for tests, and one realistic resource of every type that the sandbox takes."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from llmplatform_sandbox.cloud import SimulatedCloud, open_cloud
from llmplatform_sandbox.cloud.requests import Scope
from llmplatform_sandbox.cloud.store import Record
from llmplatform_sandbox.interfaces import KubeAccess
from support.sandboxes import rds
from support.sandboxes.aws_caches import CACHES

SCOPE = Scope(region="eu-west-1", account="111122223333", default_tags={"owner": "ml"})
Made = Mapping[str, Record]
TRUST = '{"Version":"2012-10-17","Statement":[]}'


class FakeNodes:
    """Takes down what is done to the nodes, in order; `stuck` ones are never drained."""

    def __init__(self) -> None:
        self.done: list[tuple[str, str]] = []
        self.stuck: set[str] = set()

    def ready(self, node: str) -> bool:
        self.done.append(("joined", node))
        return True

    def cordon(self, node: str) -> None:
        self.done.append(("cordon", node))

    def drain(self, node: str, seconds: float) -> list[str]:
        self.done.append(("drain", node))
        return ["models/chat"] if node in self.stuck else []

    def restart(self, node: str) -> None:
        self.done.append(("restart", node))


class FakeControlPlane:
    """Says where an API server would be, and counts the resets."""

    minors = ("1.32", "1.33", "1.34", "1.35")
    on_paper = False

    def __init__(self) -> None:
        self.resets = 0
        self.service_cidr: str | None = None
        self.upgrades: list[str] = []
        self.nodes = FakeNodes()

    def __call__(self, service_cidr: str | None = None, minor: str | None = None) -> KubeAccess:
        self.service_cidr = service_cidr
        return KubeAccess(server="https://127.0.0.1:6443", ca_pem="PEM", kubeconfig=Path("kubeconfig"))

    def upgrade(self, minor: str) -> None:
        self.upgrades.append(minor)

    def reset(self) -> None:
        self.resets += 1


def cloud(folder: Path, control_plane: FakeControlPlane | None = None) -> SimulatedCloud:
    return open_cloud("aws", folder, control_plane or FakeControlPlane(), patience=0.1)


def make(account: SimulatedCloud, type_: str, name: str = "x", /, **inputs: Any) -> Record:
    return account.account.create(type_, f"urn:pulumi:dev::p::{type_}::{name}", inputs, SCOPE)


REALISTIC: Mapping[str, Callable[[Made], dict[str, Any]]] = {
    "aws:ec2/vpc:Vpc": lambda m: {"cidrBlock": "10.0.0.0/16", "enableDnsHostnames": True, "tags": {"Name": "core"}},
    "aws:ec2/subnet:Subnet": lambda m: {
        "vpcId": m["aws:ec2/vpc:Vpc"].id,
        "cidrBlock": "10.0.0.0/20",
        "availabilityZone": "eu-west-1a",
        "mapPublicIpOnLaunch": False,
    },
    "aws:ec2/subnet:Subnet#b": lambda m: {
        "vpcId": m["aws:ec2/vpc:Vpc"].id,
        "cidrBlock": "10.0.16.0/20",
        "availabilityZone": "eu-west-1b",
    },
    "aws:ec2/internetGateway:InternetGateway": lambda m: {"vpcId": m["aws:ec2/vpc:Vpc"].id},
    "aws:ec2/eip:Eip": lambda m: {"domain": "vpc"},
    "aws:ec2/natGateway:NatGateway": lambda m: {
        "allocationId": m["aws:ec2/eip:Eip"].id,
        "subnetId": m["aws:ec2/subnet:Subnet"].id,
    },
    "aws:ec2/routeTable:RouteTable": lambda m: {"vpcId": m["aws:ec2/vpc:Vpc"].id},
    "aws:ec2/route:Route": lambda m: {
        "routeTableId": m["aws:ec2/routeTable:RouteTable"].id,
        "destinationCidrBlock": "0.0.0.0/0",
        "natGatewayId": m["aws:ec2/natGateway:NatGateway"].id,
    },
    "aws:ec2/routeTableAssociation:RouteTableAssociation": lambda m: {
        "routeTableId": m["aws:ec2/routeTable:RouteTable"].id,
        "subnetId": m["aws:ec2/subnet:Subnet"].id,
    },
    "aws:ec2/securityGroup:SecurityGroup": lambda m: {
        "name": "endpoints-1a2b3c4d",
        "description": "HTTPS from within the network",
        "vpcId": m["aws:ec2/vpc:Vpc"].id,
    },
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": lambda m: {"vpcId": m["aws:ec2/vpc:Vpc"].id},
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": lambda m: {
        "securityGroupId": m["aws:ec2/securityGroup:SecurityGroup"].id,
        "cidrIpv4": "10.0.0.0/16",
        "ipProtocol": "tcp",
        "fromPort": 443.0,
        "toPort": 443.0,
    },
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": lambda m: {
        "securityGroupId": m["aws:ec2/securityGroup:SecurityGroup"].id,
        "cidrIpv4": "0.0.0.0/0",
        "ipProtocol": "-1",
    },
    "aws:ec2/vpcEndpoint:VpcEndpoint": lambda m: {
        "vpcId": m["aws:ec2/vpc:Vpc"].id,
        "serviceName": "com.amazonaws.eu-west-1.ecr.api",
        "vpcEndpointType": "Interface",
        "privateDnsEnabled": True,
        "subnetIds": [m["aws:ec2/subnet:Subnet"].id, m["aws:ec2/subnet:Subnet#b"].id],
        "securityGroupIds": [m["aws:ec2/securityGroup:SecurityGroup"].id],
    },
    "aws:kms/key:Key": lambda m: {
        "description": "secrets of the cluster",
        "deletionWindowInDays": 7,
        "enableKeyRotation": True,
    },
    "aws:kms/alias:Alias": lambda m: {"name": "alias/dev-secrets", "targetKeyId": m["aws:kms/key:Key"].id},
    "aws:cloudwatch/logGroup:LogGroup": lambda m: {"name": "/aws/eks/dev/cluster", "retentionInDays": 30},
    "aws:iam/role:Role": lambda m: {"name": "node-1a2b3c4d", "assumeRolePolicy": TRUST},
    "aws:iam/policy:Policy": lambda m: {"name": "autoscaler-1a2b3c4d", "policy": TRUST},
    "aws:iam/rolePolicy:RolePolicy": lambda m: {
        "name": "inline",
        "role": m["aws:iam/role:Role"].outputs["name"],
        "policy": TRUST,
    },
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": lambda m: {
        "role": m["aws:iam/role:Role"].outputs["name"],
        "policyArn": "arn:aws:iam::aws:policy/AmazonEKSWorkerNodePolicy",
    },
    "aws:iam/instanceProfile:InstanceProfile": lambda m: {"name": "p", "role": m["aws:iam/role:Role"].outputs["name"]},
    "aws:ec2/flowLog:FlowLog": lambda m: {
        "vpcId": m["aws:ec2/vpc:Vpc"].id,
        "trafficType": "REJECT",
        "iamRoleArn": m["aws:iam/role:Role"].outputs["arn"],
        "logDestination": m["aws:cloudwatch/logGroup:LogGroup"].outputs["arn"],
    },
    "aws:ec2/placementGroup:PlacementGroup": lambda m: {"name": "efa", "strategy": "cluster"},
    "aws:ec2/launchTemplate:LaunchTemplate": lambda m: {
        "name": "gpu-1a2b3c4d",
        "metadataOptions": {"httpTokens": "required", "httpPutResponseHopLimit": 1, "httpEndpoint": "enabled"},
        "blockDeviceMappings": [
            {
                "deviceName": "/dev/xvda",
                "ebs": {"volumeSize": 300, "volumeType": "gp3", "encrypted": "true", "deleteOnTermination": "true"},
            }
        ],
        "tagSpecifications": [{"resourceType": "instance", "tags": {"Name": "gpu"}}],
    },
    "aws:eks/cluster:Cluster": lambda m: {
        "name": "dev",
        "version": "1.35",
        "roleArn": m["aws:iam/role:Role"].outputs["arn"],
        "vpcConfig": {
            "subnetIds": [m["aws:ec2/subnet:Subnet"].id, m["aws:ec2/subnet:Subnet#b"].id],
            "endpointPrivateAccess": True,
            "endpointPublicAccess": True,
            "publicAccessCidrs": ["203.0.113.0/24"],
        },
        "accessConfig": {"authenticationMode": "API", "bootstrapClusterCreatorAdminPermissions": False},
        "upgradePolicy": {"supportType": "STANDARD"},
        "encryptionConfig": {
            "provider": {"keyArn": m["aws:kms/key:Key"].outputs["arn"]},
            "resources": ["secrets"],
        },
        "enabledClusterLogTypes": ["api", "audit"],
        "kubernetesNetworkConfig": {"serviceIpv4Cidr": "172.20.0.0/16"},
        "bootstrapSelfManagedAddons": False,
    },
    "aws:eks/addon:Addon": lambda m: {
        "clusterName": "dev",
        "addonName": "vpc-cni",
        "resolveConflictsOnCreate": "OVERWRITE",
        "resolveConflictsOnUpdate": "PRESERVE",
        "configurationValues": '{"enableNetworkPolicy":"true"}',
    },
    "aws:eks/accessEntry:AccessEntry": lambda m: {
        "clusterName": "dev",
        "principalArn": "arn:aws:iam::111122223333:role/admin",
    },
    "aws:eks/accessPolicyAssociation:AccessPolicyAssociation": lambda m: {
        "clusterName": "dev",
        "principalArn": "arn:aws:iam::111122223333:role/admin",
        "policyArn": "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy",
        "accessScope": {"type": "cluster"},
    },
    "aws:eks/podIdentityAssociation:PodIdentityAssociation": lambda m: {
        "clusterName": "dev",
        "namespace": "kube-system",
        "serviceAccount": "cluster-autoscaler",
        "roleArn": m["aws:iam/role:Role"].outputs["arn"],
    },
    "aws:eks/nodeGroup:NodeGroup": lambda m: {
        "clusterName": "dev",
        "nodeGroupName": "gpu-spot",
        "nodeRoleArn": m["aws:iam/role:Role"].outputs["arn"],
        "subnetIds": [m["aws:ec2/subnet:Subnet"].id, m["aws:ec2/subnet:Subnet#b"].id],
        "scalingConfig": {"minSize": 0, "maxSize": 4, "desiredSize": 1},
        "amiType": "AL2023_x86_64_NVIDIA",
        "capacityType": "SPOT",
        "instanceTypes": ["g5.2xlarge", "g6.2xlarge"],
        "labels": {"pool": "gpu"},
        "taints": [{"key": "nvidia.com/gpu", "value": "present", "effect": "NO_SCHEDULE"}],
        "updateConfig": {"maxUnavailable": 1, "updateStrategy": "MINIMAL"},
        "nodeRepairConfig": {"enabled": True},
        "launchTemplate": {"id": m["aws:ec2/launchTemplate:LaunchTemplate"].id, "version": "1"},
    },
    "aws:autoscaling/tag:Tag": lambda m: {
        "autoscalingGroupName": m["aws:eks/nodeGroup:NodeGroup"].outputs["resources"][0]["autoscalingGroups"][0][
            "name"
        ],
        "tag": {
            "key": "k8s.io/cluster-autoscaler/node-template/label/pool",
            "value": "gpu",
            "propagateAtLaunch": False,
        },
    },
    "aws:efs/fileSystem:FileSystem": lambda m: {
        "encrypted": True,
        "throughputMode": "elastic",
        "lifecyclePolicies": [{"transitionToIa": "AFTER_30_DAYS"}],
    },
    "aws:efs/mountTarget:MountTarget": lambda m: {
        "fileSystemId": m["aws:efs/fileSystem:FileSystem"].id,
        "subnetId": m["aws:ec2/subnet:Subnet"].id,
        "securityGroups": [m["aws:ec2/securityGroup:SecurityGroup"].id],
    },
    "aws:efs/fileSystemPolicy:FileSystemPolicy": lambda m: {
        "fileSystemId": m["aws:efs/fileSystem:FileSystem"].id,
        "policy": TRUST,
    },
    "aws:efs/backupPolicy:BackupPolicy": lambda m: {
        "fileSystemId": m["aws:efs/fileSystem:FileSystem"].id,
        "backupPolicy": {"status": "ENABLED"},
    },
    "aws:efs/accessPoint:AccessPoint": lambda m: {
        "fileSystemId": m["aws:efs/fileSystem:FileSystem"].id,
        "posixUser": {"uid": 1000, "gid": 1000},
        "rootDirectory": {"path": "/weights"},
    },
    "aws:s3/bucket:Bucket": lambda m: {"bucket": "dev-artifacts-1a2b3c4d", "forceDestroy": True},
    "aws:s3/bucketVersioning:BucketVersioning": lambda m: {
        "bucket": "dev-artifacts-1a2b3c4d",
        "versioningConfiguration": {"status": "Enabled"},
    },
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": lambda m: {
        "bucket": "dev-artifacts-1a2b3c4d",
        "rules": [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "aws:kms"}, "bucketKeyEnabled": True}],
    },
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": lambda m: {
        "bucket": "dev-artifacts-1a2b3c4d",
        "blockPublicAcls": True,
        "blockPublicPolicy": True,
        "ignorePublicAcls": True,
        "restrictPublicBuckets": True,
    },
    "aws:s3/bucketPolicy:BucketPolicy": lambda m: {"bucket": "dev-artifacts-1a2b3c4d", "policy": TRUST},
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": lambda m: {
        "bucket": "dev-artifacts-1a2b3c4d",
        "rules": [{"id": "old", "status": "Enabled", "noncurrentVersionExpiration": {"noncurrentDays": 30}}],
    },
    **CACHES,
    **rds.REALISTIC,
    "aws:secretsmanager/secret:Secret": lambda m: {"name": "dev/huggingface", "recoveryWindowInDays": 0},
    "aws:secretsmanager/secretVersion:SecretVersion": lambda m: {
        "secretId": m["aws:secretsmanager/secret:Secret"].id,
        "secretString": "sha256:0",
    },
}
"""In an order that works. `#` marks a further one of a type."""


def type_of(key: str) -> str:
    return key.partition("#")[0]


def whole_account(account: SimulatedCloud, upto: str | None = None) -> dict[str, Record]:
    """One of everything, up to and with the key."""
    made: dict[str, Record] = {}
    for key, inputs in REALISTIC.items():
        made[key] = make(account, type_of(key), key, **inputs(made))
        if key == upto:
            break
    return made
