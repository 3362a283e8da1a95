"""Stack files on existing networks and clusters, and the objects that the sandbox's account needs for them."""

import json
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from support.program import committed, stack_config

Document = dict[str, Any]

VPC, GROUP = "vpc-0123456789abcdef0", "sg-0123456789abcdef0"
SUBNETS = {"us-east-1a": "subnet-0123456789abcdef0", "us-east-1b": "subnet-0123456789abcdef1"}
RANGES = {"us-east-1a": "10.20.0.0/19", "us-east-1b": "10.20.32.0/19"}
ACK_VPC, ACK_GROUP, ACK_CLUSTER = "vpc-bp1aevy8sofi8mh1qabcd", "sg-bp1a2b3c4d5e6f7g8h9i", "c" + "0" * 32
VSWITCHES = {
    zone: {"id": f"vsw-bp12mw1f8k3jgygk9abc{zone[-1]}", "cidr": cidr}
    for zone, cidr in (("cn-hangzhou-j", "10.40.0.0/20"), ("cn-hangzhou-k", "10.40.16.0/20"))
}
API = {
    "kubernetes_version": "1.35",
    "endpoint_url": "https://10.0.0.5:6443",
    "certificate_authority": "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0t",
}

NETWORKS: dict[str, Document] = {
    "dev": {"kind": "existing", "vpc_id": VPC, "cidr": "10.20.0.0/16", "private_subnets": SUBNETS},
    "dev-ack": {"kind": "existing", "vpc_id": ACK_VPC, "cidr": "10.40.0.0/16", "node_vswitches": VSWITCHES},
}
CLUSTERS: dict[str, Document] = {
    "dev": {"kind": "existing", "name": "theirs", "security_group_id": GROUP, **API},
    "dev-ack": {"kind": "existing", "id": ACK_CLUSTER, "security_group_id": ACK_GROUP, **API},
}
"""What a stack file says of them, by example stack."""


RRSA = {"kind": "rrsa", "issuer": "https://oidc.example.org/c0", "provider_arn": "acs:ram::1:oidc-provider/x"}


@cache
def exported(stack: str) -> Document:
    """The output `platform` of a committed stack, as the fake engine's cloud answers."""
    outputs = committed(stack).result
    return outputs["platform"]


def told(stack: str) -> Document:
    """The same, with ids as the clouds spell them."""
    return {
        **exported(stack),
        "network": NETWORKS[stack],
        "cluster": CLUSTERS[stack],
        "platform": {"kind": "existing", "models_namespace": "models", "shared_storage_class": "shared"},
        "workload_identity": RRSA if stack == "dev-ack" else {"kind": "pod_identity"},
    }


def on_theirs(stack: str, *, cluster: bool) -> Document:
    """A committed stack's `config:` in their network and, if asked for, on their cluster, with a receiver of alerts."""
    config = deepcopy(stack_config(stack))
    config["llmplatform:network"] = NETWORKS[stack]
    if cluster:
        config["llmplatform:cluster"] = CLUSTERS[stack]
        config["llmplatform:addons"]["monitoring"]["alerts"] = {"kind": "webhook"}
        config["llmplatform:secrets"] = {"alert_receiver": {"secure": "v1:replace:this"}}
    else:
        config["llmplatform:addons"]["monitoring"] = {"enabled": False}  # It takes long.
    return config


def write(folder: Path, stack: str, *, cluster: bool) -> None:
    """Write the stack file and, beside it, what is there before."""
    (folder / f"Pulumi.{stack}.yaml").write_text(yaml.safe_dump({"config": on_theirs(stack, cluster=cluster)}))
    (folder / f"sandbox.{stack}.yaml").write_text(yaml.safe_dump(SEEDS[stack](cluster)))


def _given(type_: str, id_: str, **properties: Any) -> Document:
    return {"type": type_, "id": id_, "properties": properties}


def _on_aws(cluster: bool) -> Document:
    subnets = [
        _given("aws:ec2/subnet:Subnet", id_, vpcId=VPC, cidrBlock=RANGES[zone], availabilityZone=zone)
        for zone, id_ in SUBNETS.items()
    ]
    network = [_given("aws:ec2/vpc:Vpc", VPC, cidrBlock="10.20.0.0/16"), *subnets]
    return {
        "providers": {"aws": {"region": "us-east-1", "allowedAccountIds": ["111122223333"]}},
        "resources": network + (_eks() if cluster else []),
    }


def _eks() -> list[Document]:
    def trust(service: str) -> str:
        return (
            '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole",'
            f'"Principal":{{"Service":"{service}.amazonaws.com"}}}}]}}'
        )

    return [
        _given("aws:ec2/securityGroup:SecurityGroup", GROUP, name="theirs", vpcId=VPC),
        _given("aws:iam/role:Role", "theirs", name="theirs", assumeRolePolicy=trust("eks")),
        _given("aws:iam/role:Role", "theirs-nodes", name="theirs-nodes", assumeRolePolicy=trust("ec2")),
        *(
            _given(
                "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
                f"theirs-nodes-{policy}",
                role="theirs-nodes",
                policyArn=f"arn:aws:iam::aws:policy/{policy}",
            )
            for policy in ("AmazonEKSWorkerNodePolicy", "AmazonEC2ContainerRegistryPullOnly", "AmazonEKS_CNI_Policy")
        ),
        _given(
            "aws:eks/cluster:Cluster",
            "theirs",
            name="theirs",
            version="1.35",
            roleArn="arn:aws:iam::111122223333:role/theirs",
            vpcConfig={"subnetIds": list(SUBNETS.values())},
        ),
        _given(
            "aws:eks/nodeGroup:NodeGroup",
            "theirs:nodes",
            clusterName="theirs",
            nodeGroupName="nodes",
            nodeRoleArn="arn:aws:iam::111122223333:role/theirs-nodes",
            subnetIds=list(SUBNETS.values()),
            instanceTypes=["m7i.xlarge"],
            scalingConfig={"minSize": 2, "maxSize": 4, "desiredSize": 2},
        ),
        *(
            _given("aws:eks/addon:Addon", f"theirs:{name}", clusterName="theirs", addonName=name)
            for name in ("eks-pod-identity-agent", "aws-ebs-csi-driver", "aws-efs-csi-driver")
        ),
    ]


def _on_alicloud(cluster: bool) -> Document:
    vswitches = [
        _given("alicloud:vpc/switch:Switch", each["id"], vpcId=ACK_VPC, cidrBlock=each["cidr"], zoneId=zone)
        for zone, each in VSWITCHES.items()
    ]
    network = [_given("alicloud:vpc/network:Network", ACK_VPC, cidrBlock="10.40.0.0/16"), *vswitches]
    return {
        "providers": {"alicloud": {"region": "cn-hangzhou", "accountId": "1111222233334444"}},
        "resources": network + (_ack() if cluster else []),
    }


def _ack() -> list[Document]:
    subnets = [each["id"] for each in VSWITCHES.values()]
    addons = (
        "terway-eniip", "csi-plugin", "managed-csiprovisioner", "storage-operator", "ack-node-problem-detector",
        "ack-pod-identity-webhook", "loongcollector", "metrics-server", "acr-credential-helper-webhook",
    )  # fmt: skip
    helper = {
        "AcrInstanceInfo": [{"instanceId": "cri-abcdefgh12345678"}], "watchNamespace": "all", "serviceAccount": "*",
    }  # fmt: skip
    return [
        _given("alicloud:ecs/securityGroup:SecurityGroup", ACK_GROUP, securityGroupName="theirs", vpcId=ACK_VPC),
        _given(
            "alicloud:cs/managedKubernetes:ManagedKubernetes",
            ACK_CLUSTER,
            name="theirs",
            clusterSpec="ack.pro.small",
            vswitchIds=subnets,
            podVswitchIds=subnets,
            serviceCidr="172.20.0.0/16",
            proxyMode="iptables",
            newNatGateway=False,
            slbInternetEnabled=False,
            enableRrsa=True,
            securityGroupId=ACK_GROUP,
            addons=[
                *({"name": name} for name in addons),
                {"name": "managed-aliyun-acr-credential-helper", "config": json.dumps(helper)},
            ],
        ),
        # Its owner lets the autoscaler drive every pool of the cluster: the program configures none here.
        _given(
            "alicloud:cs/autoscalingConfig:AutoscalingConfig",
            ACK_CLUSTER,
            clusterId=ACK_CLUSTER,
            scalerType="cluster-autoscaler",
            expander="least-waste",
        ),
    ]


SEEDS = {"dev": _on_aws, "dev-ack": _on_alicloud}
