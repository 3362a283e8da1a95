"""One realistic resource of every type that the simulated Alibaba Cloud takes."""

from collections.abc import Callable, Mapping
from typing import Any

from llmplatform_sandbox.cloud.requests import Scope
from llmplatform_sandbox.cloud.store import Record

Made = Mapping[str, Record]
SCOPE = Scope(region="cn-hangzhou", account="1111222233334444", partition="aliyun")
TRUST = '{"Version":"1","Statement":[]}'
VERSION = "1.35.7-aliyun.1"
KMS, RAM, NAS, OSS = "alicloud:kms/", "alicloud:ram/", "alicloud:nas/", "alicloud:oss/"
VPC, SWITCH = "alicloud:vpc/network:Network", "alicloud:vpc/switch:Switch"
NAT, SNAT = "alicloud:vpc/natGateway:NatGateway", "alicloud:vpc/snatEntry:SnatEntry"
TABLE, ROUTE = "alicloud:vpc/routeTable:RouteTable", "alicloud:vpc/routeEntry:RouteEntry"
ATTACHMENT = "alicloud:vpc/routeTableAttachment:RouteTableAttachment"
EIP, ASSOCIATION = "alicloud:ecs/eipAddress:EipAddress", "alicloud:ecs/eipAssociation:EipAssociation"
GROUP, RULE = "alicloud:ecs/securityGroup:SecurityGroup", "alicloud:ecs/securityGroupRule:SecurityGroupRule"
KEY, ROLE, POLICY = f"{KMS}key:Key", f"{RAM}role:Role", f"{RAM}policy:Policy"
PROJECT, STORE = "alicloud:log/project:Project", "alicloud:log/store:Store"
CLUSTER, NODE_POOL = "alicloud:cs/managedKubernetes:ManagedKubernetes", "alicloud:cs/nodePool:NodePool"
ADDON, SCALER = "alicloud:cs/kubernetesAddon:KubernetesAddon", "alicloud:cs/autoscalingConfig:AutoscalingConfig"
FILES, MOUNT, BUCKET = f"{NAS}fileSystem:FileSystem", f"{NAS}mountTarget:MountTarget", f"{OSS}bucket:Bucket"

TAIR = "alicloud:redis/tairInstance:TairInstance"
POSTGRES = "alicloud:rds/instance:Instance"


def pool(made: Made, **changes: Any) -> dict[str, Any]:
    """Inputs of a spot pool with GPUs that the autoscaler drives."""
    return {
        "clusterId": made[CLUSTER].id,
        "nodePoolName": "gpu-spot",
        "vswitchIds": [made[SWITCH].id, made[f"{SWITCH}#b"].id],
        "instanceTypes": ["ecs.gn7i-c16g1.4xlarge", "ecs.gn6i-c16g1.4xlarge"],
        "spotStrategy": "SpotAsPriceGo",
        "scalingConfig": {"enable": True, "minSize": 1, "maxSize": 4, "type": "gpu"},
        "imageType": "AliyunLinux3ContainerOptimized",
        "systemDiskCategory": "cloud_essd",
        "systemDiskSize": 300,
        "systemDiskPerformanceLevel": "PL1",
        "labels": [
            {"key": "pool", "value": "gpu"},
            {"key": "ack.aliyun.com/nvidia-driver-version", "value": "580.126.09"},
        ],
        "taints": [{"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}],
        "management": {"enable": True, "autoRepair": True, "maxUnavailable": 1},
        "instanceMetadataOptions": {"httpTokens": "required"},
        **changes,
    }


REALISTIC: Mapping[str, Callable[[Made], dict[str, Any]]] = {
    VPC: lambda m: {"vpcName": "dev", "cidrBlock": "10.0.0.0/16", "tags": {"owner": "ml"}},
    SWITCH: lambda m: {
        "vswitchName": "nodes-i",
        "vpcId": m[VPC].id,
        "cidrBlock": "10.0.0.0/22",
        "zoneId": "cn-hangzhou-i",
    },
    f"{SWITCH}#b": lambda m: {
        "vswitchName": "nodes-j",
        "vpcId": m[VPC].id,
        "cidrBlock": "10.0.4.0/22",
        "zoneId": "cn-hangzhou-j",
    },
    f"{SWITCH}#pods": lambda m: {
        "vswitchName": "pods-i",
        "vpcId": m[VPC].id,
        "cidrBlock": "10.0.64.0/19",
        "zoneId": "cn-hangzhou-i",
    },
    NAT: lambda m: {"natGatewayName": "out", "vpcId": m[VPC].id, "vswitchId": m[SWITCH].id, "natType": "Enhanced"},
    EIP: lambda m: {"addressName": "out", "bandwidth": "200", "internetChargeType": "PayByTraffic"},
    ASSOCIATION: lambda m: {"allocationId": m[EIP].id, "instanceId": m[NAT].id, "instanceType": "Nat"},
    SNAT: lambda m: {
        "snatTableId": m[NAT].outputs["snatTableIds"],
        "sourceVswitchId": m[SWITCH].id,
        "snatIp": m[EIP].outputs["ipAddress"],
    },
    TABLE: lambda m: {"routeTableName": "out", "vpcId": m[VPC].id, "associateType": "VSwitch"},
    ROUTE: lambda m: {
        "routeTableId": m[TABLE].id,
        "destinationCidrblock": "0.0.0.0/0",
        "nexthopType": "NatGateway",
        "nexthopId": m[NAT].id,
    },
    ATTACHMENT: lambda m: {"routeTableId": m[TABLE].id, "vswitchId": m[SWITCH].id},
    GROUP: lambda m: {"securityGroupName": "own", "vpcId": m[VPC].id, "securityGroupType": "enterprise"},
    RULE: lambda m: {
        "securityGroupId": m[GROUP].id,
        "type": "ingress",
        "ipProtocol": "tcp",
        "portRange": "443/443",
        "cidrIp": "10.0.0.0/16",
    },
    KEY: lambda m: {"description": "secrets of the cluster", "pendingWindowInDays": 7, "rotationInterval": "365d"},
    f"{KMS}alias:Alias": lambda m: {"aliasName": "alias/dev-secrets", "keyId": m[KEY].id},
    PROJECT: lambda m: {"projectName": "dev-logs-1a2b3c"},
    STORE: lambda m: {
        "projectName": m[PROJECT].outputs["projectName"],
        "logstoreName": "models",
        "retentionPeriod": 30,
        "autoSplit": True,
        "maxSplitShardCount": 64,
    },
    "alicloud:log/storeIndex:StoreIndex": lambda m: {
        "project": m[PROJECT].outputs["projectName"],
        "logstore": "models",
        "fullText": {"caseSensitive": False, "token": " ,;"},
        "fieldSearches": [{"name": "level", "type": "text", "enableAnalytics": True}],
    },
    "alicloud:vpc/flowLog:FlowLog": lambda m: {
        "resourceType": "VPC",
        "resourceId": m[VPC].id,
        "trafficType": "All",
        "projectName": "dev-logs-1a2b3c",
        "logStoreName": "models",
    },
    ROLE: lambda m: {"roleName": "server-1a2b3c", "assumeRolePolicyDocument": TRUST},
    POLICY: lambda m: {"policyName": "server-1a2b3c", "policyDocument": TRUST},
    f"{RAM}rolePolicyAttachment:RolePolicyAttachment": lambda m: {
        "roleName": m[ROLE].outputs["roleName"],
        "policyName": m[POLICY].outputs["policyName"],
        "policyType": "Custom",
    },
    CLUSTER: lambda m: {
        "name": "dev",
        "version": VERSION,
        "clusterSpec": "ack.pro.small",
        "vswitchIds": [m[SWITCH].id, m[f"{SWITCH}#b"].id],
        "podVswitchIds": [m[f"{SWITCH}#pods"].id],
        "serviceCidr": "172.21.0.0/20",
        "proxyMode": "iptables",
        "newNatGateway": False,
        "slbInternetEnabled": False,
        "enableRrsa": True,
        "isEnterpriseSecurityGroup": True,
        "encryptionProviderKey": m[KEY].id,
        "controlPlaneLogComponents": ["apiserver", "kcm"],
        "controlPlaneLogProject": "dev-logs-1a2b3c",
        "controlPlaneLogTtl": "30",
        "auditLogConfig": {"enabled": True, "slsProjectName": "dev-logs-1a2b3c"},
        "addons": [
            {"name": "terway-eniip"},
            {"name": "ack-node-problem-detector"},
            {"name": "nginx-ingress-controller", "disabled": True},
        ],
        "deleteOptions": [{"resourceType": "SLB", "deleteMode": "delete"}],
    },
    ADDON: lambda m: {"clusterId": m[CLUSTER].id, "name": "managed-csiprovisioner", "config": "{}"},
    "alicloud:cs/kubernetesPermission:KubernetesPermission": lambda m: {
        "uid": "201122334455667788",
        "permissions": [
            {"cluster": m[CLUSTER].id, "roleType": "cluster", "roleName": "admin", "isRamRole": False},
        ],
    },
    NODE_POOL: pool,
    SCALER: lambda m: {
        "clusterId": m[CLUSTER].id,
        "scalerType": "cluster-autoscaler",
        "expander": "priority",
        "priorities": {"100": m[NODE_POOL].outputs["scalingGroupId"]},
        "scaleUpFromZero": True,
    },
    FILES: lambda m: {"protocolType": "NFS", "storageType": "Performance", "fileSystemType": "standard"},
    f"{NAS}accessGroup:AccessGroup": lambda m: {"accessGroupName": "dev-nodes", "accessGroupType": "Vpc"},
    f"{NAS}accessRule:AccessRule": lambda m: {
        "accessGroupName": "dev-nodes",
        "sourceCidrIp": "10.0.0.0/16",
        "rwAccessType": "RDWR",
    },
    MOUNT: lambda m: {
        "fileSystemId": m[FILES].id,
        "accessGroupName": "dev-nodes",
        "vswitchId": m[SWITCH].id,
        "networkType": "Vpc",
    },
    TAIR: lambda m: {
        "tairInstanceName": "dev-cache",
        "instanceType": "tair_rdb",
        "instanceClass": "tair.rdb.1g",
        "engineVersion": "7.0",
        "nodeType": "MASTER_SLAVE",
        "paymentType": "PayAsYouGo",
        "vpcId": m[VPC].id,
        "vswitchId": m[SWITCH].id,
        "zoneId": "cn-hangzhou-i",
        "secondaryZoneId": "cn-hangzhou-j",
        "password": "Abcdefgh12345678",
        "vpcAuthMode": "Open",
        "sslEnabled": "Enable",
        "tdeStatus": "enabled",
        "securityIps": "10.0.0.0/22,10.0.64.0/19",
        "config": {"maxmemory-policy": "volatile-lru"},
    },
    "alicloud:kvstore/account:Account": lambda m: {
        "instanceId": m[TAIR].id,
        "accountName": "app_a",
        "accountPassword": "Abcdefgh12345678",
        "accountPrivilege": "RoleReadWrite",
    },
    POSTGRES: lambda m: {
        "instanceName": "dev-mlflow",
        "engine": "PostgreSQL",
        "engineVersion": "17.0",
        "category": "HighAvailability",
        "instanceType": "pg.n2.2c.2m",
        "instanceStorage": 20,
        "dbInstanceStorageType": "cloud_essd",
        "storageAutoScale": "Enable",
        "storageThreshold": 10,
        "storageUpperBound": 100,
        "encryptionKey": m[KEY].id,
        "vpcId": m[VPC].id,
        "vswitchId": f"{m[SWITCH].id},{m[SWITCH].id}",
        "zoneId": "cn-hangzhou-i",
        "zoneIdSlaveA": "cn-hangzhou-j",
        "securityIps": ["10.0.0.0/22", "10.0.64.0/19"],
        "sslAction": "Open",
        "maintainTime": "04:00Z-05:00Z",
    },
    "alicloud:rds/rdsAccount:RdsAccount": lambda m: {
        "dbInstanceId": m[POSTGRES].id,
        "accountName": "platform",
        "accountPassword": "Abcdefgh12345678",
        "accountType": "Super",
    },
    "alicloud:rds/backupPolicy:BackupPolicy": lambda m: {
        "instanceId": m[POSTGRES].id,
        "preferredBackupPeriods": ["Monday", "Thursday"],
        "preferredBackupTime": "02:00Z-03:00Z",
        "backupRetentionPeriod": 7,
    },
    BUCKET: lambda m: {"bucket": "dev-artifacts-1a2b3c", "forceDestroy": True, "redundancyType": "ZRS"},
    f"{OSS}bucketAcl:BucketAcl": lambda m: {"bucket": m[BUCKET].id, "acl": "private"},
    f"{OSS}bucketVersioning:BucketVersioning": lambda m: {"bucket": m[BUCKET].id, "status": "Enabled"},
    f"{OSS}bucketServerSideEncryption:BucketServerSideEncryption": lambda m: {
        "bucket": m[BUCKET].id,
        "sseAlgorithm": "KMS",
        "kmsMasterKeyId": m[KEY].id,
    },
    f"{OSS}bucketPublicAccessBlock:BucketPublicAccessBlock": lambda m: {
        "bucket": m[BUCKET].id,
        "blockPublicAccess": True,
    },
    "alicloud:cr/vpcEndpointLinkedVpc:VpcEndpointLinkedVpc": lambda m: {
        "instanceId": "cri-abcdefgh12345678",
        "moduleName": "Registry",
        "vpcId": m[VPC].id,
        "vswitchId": m[SWITCH].id,
    },
    f"{OSS}bucketPolicy:BucketPolicy": lambda m: {"bucket": m[BUCKET].id, "policy": TRUST},
}
"""In an order that works. `#` marks a further one of a type."""
