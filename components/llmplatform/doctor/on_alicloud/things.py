"""Whether ids and names in the stack file exist in the account: registry, domain, vSwitches, keys.

Sources: API references of Container Registry (GetInstance, GetRepository, GetRepoTag), Alibaba Cloud DNS
(DescribeDomainInfo), VPC (DescribeVSwitches), KMS (DescribeKey, GetKmsInstance) and ECS (DescribeKeyPairs).
"""

from collections.abc import Iterator, Mapping
from ipaddress import ip_network
from itertools import product
from typing import Any

from llmplatform.catalog import versions
from llmplatform.checks.rules.addresses import PODS_PER_NODE
from llmplatform.doctor.checks import Absent, Ask, Check, Denied, Finding, green, red, yellow
from llmplatform.doctor.on_alicloud.lists import pages
from llmplatform.doctor.on_aws.names import nodes_in
from llmplatform.doctor.wanted import Wanted
from llmplatform.specs.addons import AckAcmeIssuer
from llmplatform.specs.cluster import ExistingKey, KmsInstanceKey, NewAckCluster
from llmplatform.specs.network import ExistingVswitches
from llmplatform.specs.pools import AlicloudPool
from llmplatform.specs.stack import AlicloudStack

INSTANCE, REPOSITORY, TAG = "cr:GetInstance", "cr:GetRepository", "cr:GetRepoTag"
DOMAIN, VSWITCHES = "alidns:DescribeDomainInfo", "vpc:DescribeVSwitches"
KEY, KMS_INSTANCE = "kms:DescribeKey", "kms:GetKmsInstance"
KEY_PAIRS = "ecs:DescribeKeyPairs"
SCARCE = 0.2
"""Share of free addresses in a vSwitch below which to warn."""
SYMMETRIC = ("Aliyun_AES", "Aliyun_SM4")
"""Prefixes of symmetric key types."""
ADDRESSES_BESIDE = 20
"""Addresses in a vSwitch of nodes: control plane, load balancers, NAT gateway, file system, link of the registry."""


def images(wanted: Wanted) -> dict[str, str]:
    """Images of model servers and download Jobs: the reference in use, to the public one."""
    engines = {model.image for model in wanted.models}
    every = engines | ({versions.HYDRATION_IMAGE} if engines else set[str]())
    return {wanted.stack.mirrors.image(image): image for image in sorted(every)}


def image_parts(reference: str) -> tuple[str, str, str, str]:
    """Host, namespace, repository and tag of an image reference; no tag if it has only a digest."""
    host, _, rest = reference.partition("/")
    name, at, _ = rest.partition("@")
    path, _, tag = name.partition(":")
    namespace, _, repository = path.partition("/")
    return host, namespace, repository, tag or ("" if at else "latest")


def _images(wanted: Wanted, ask: Ask) -> Iterator[Finding]:
    stack = wanted.stack
    instance = stack.mirrors.acr if isinstance(stack, AlicloudStack) else None
    if instance is None:
        yield green("no registry of its own")
        return
    try:
        found = ask(INSTANCE, InstanceId=instance)
    except Absent:
        yield red(f"there is no instance {instance} in {stack.cloud.region}", "write the id of yours into mirrors.acr")
        return
    if found["InstanceStatus"] != "RUNNING":
        yield red(f"{instance} is {found['InstanceStatus']}", "wait, or look into the console of Container Registry")
        return
    for reference, public in images(wanted).items():
        host, namespace, repository, tag = image_parts(reference)
        if not host.startswith(f"{found['InstanceName']}-"):
            yield yellow(
                f"{reference}: {host} is not the address of {instance} ({found['InstanceName']}-registry…)",
                "write the instance's address into mirrors.images, or see that nodes can pull from there",
            )
            continue
        copy = f"`skopeo copy docker://{public} docker://{reference}`" if reference != public else "push it"
        try:
            repo = ask(REPOSITORY, InstanceId=instance, RepoNamespaceName=namespace, RepoName=repository)
            if tag:
                ask(TAG, InstanceId=instance, RepoId=repo["RepoId"], Tag=tag)
        except Absent:
            yield red(f"{reference} is not in the registry", copy)
        else:
            yield green(f"{reference} is in the registry")


def _domain(wanted: Wanted, ask: Ask) -> Iterator[Finding]:
    addons = wanted.stack.addons
    issuer = addons.cert_manager.issuer
    if not (addons.cert_manager.enabled and isinstance(issuer, AckAcmeIssuer)):
        yield green("no certificates from an authority")
        return
    try:
        ask(DOMAIN, DomainName=issuer.answered_in)
    except (Absent, Denied) as error:
        if isinstance(error, Denied):
            raise
        yield red(
            f"{issuer.answered_in} is not a domain of this account's DNS: no certificate would ever be issued",
            "add it at Alibaba Cloud DNS, or write another one into addons.cert_manager.issuer."
            f"{'challenge_domain' if issuer.challenge_domain else 'domain'}",
        )
        return
    host = addons.gateway.host
    if host and host != issuer.domain and not host.endswith(f".{issuer.domain}"):
        yield red(f"{host} (addons.gateway.host) is not within {issuer.domain}", "write the domain of that host")
    else:
        yield green(f"{issuer.answered_in} is in this account's DNS")


def _vswitches(wanted: Wanted, ask: Ask) -> Iterator[Finding]:
    network = wanted.stack.network
    if not isinstance(network, ExistingVswitches):
        yield from _own_vswitches(wanted, ask)
        return
    region = wanted.stack.cloud.region
    found = pages(ask, VSWITCHES, "VSwitches", "VSwitch", RegionId=region, VpcId=network.vpc_id)
    known = {each["VSwitchId"]: each for each in found}
    shared = not network.pod_vswitches
    for key, switches in (("node_vswitches", network.node_vswitches), ("pod_vswitches", network.pod_vswitches)):
        for zone, switch in switches.items():
            pods = PODS_PER_NODE if key == "pod_vswitches" or shared else 0
            nodes = 1 if key == "node_vswitches" else 0
            beside = ADDRESSES_BESIDE if key == "node_vswitches" else 0
            yield vswitch_finding(
                f"network.{key}.{zone}",
                zone,
                known.get(switch.id),
                *(beside + count * (pods + nodes) for count in nodes_in(zone, wanted.made)),
            )


def _own_vswitches(wanted: Wanted, ask: Ask) -> Iterator[Finding]:
    """Free addresses of the stack's own vSwitches. Terway reserves addresses for future pods."""
    cloud = wanted.stack.cloud
    made = False
    for zone, role in product(cloud.zones, ("nodes", "pods")):
        name = f"{wanted.stack.environment.name}-core-{role}-{zone}"
        for each in ask(VSWITCHES, RegionId=cloud.region, VSwitchName=name)["VSwitches"]["VSwitch"]:
            made = True
            yield _room(name, each)
    if not made:
        yield green("the network is the stack's own, and not made yet")


def _room(name: str, found: Mapping[str, Any]) -> Finding:
    free, size = int(found["AvailableIpAddressCount"]), ip_network(found["CidrBlock"]).num_addresses
    said = f"vSwitch {name}: {free} of {size} addresses are free"
    remedy = "lower the pools' bounds, or use more zones; a network cannot grow"
    if free < PODS_PER_NODE:
        return red(f"{said}: the next node's pods get none", remedy)
    return yellow(said, remedy) if free < size * SCARCE else green(said)


def vswitch_finding(path: str, zone: str, found: Mapping[str, Any] | None, least: int, most: int) -> Finding:
    """Whether a vSwitch is in the zone of the stack file, with enough addresses."""
    if found is None:
        return red(f"{path}: the network has no such vSwitch", "write one of `aliyun vpc DescribeVSwitches`")
    if found["ZoneId"] != zone:
        return red(f"{path}: {found['VSwitchId']} is in {found['ZoneId']}", "write it under that zone")
    free = int(found["AvailableIpAddressCount"])
    said = f"{path}: {free} addresses are free; {least} are needed at least, {most} when the pools are full"
    remedy = "use a larger vSwitch, or lower the pools' bounds"
    if free < least:
        return red(said, remedy)
    return yellow(said, remedy) if free < most else green(said)


def _secrets_key(wanted: Wanted, ask: Ask) -> Iterator[Finding]:
    cluster = wanted.stack.cluster
    key = cluster.secrets_key if isinstance(cluster, NewAckCluster) else None
    if isinstance(key, ExistingKey):
        try:
            yield key_finding(key.id, ask(KEY, KeyId=key.id)["KeyMetadata"])
        except Absent:
            yield red(f"there is no key {key.id} in {wanted.stack.cloud.region}", "write the id of one of that region")
    elif isinstance(key, KmsInstanceKey):
        try:
            yield instance_finding(key.instance, ask(KMS_INSTANCE, KmsInstanceId=key.instance)["KmsInstance"])
        except Absent:
            yield red(
                f"there is no KMS instance {key.instance} in {wanted.stack.cloud.region}",
                "write the id of one of that region into cluster.secrets_key",
            )
    else:
        yield green("Secrets are encrypted with no key of KMS")


def _key_pairs(wanted: Wanted, ask: Ask) -> Iterator[Finding]:
    region = wanted.stack.cloud.region
    pools = {name: pool.key_pair for name, pool in wanted.stack.pools.items() if isinstance(pool, AlicloudPool)}
    for name, pair in pools.items():
        if pair is None:
            continue
        found = ask(KEY_PAIRS, RegionId=region, KeyPairName=pair)["KeyPairs"]["KeyPair"]
        if any(each["KeyPairName"] == pair for each in found):
            yield green(f"key pair {pair} is there")
        else:
            yield red(
                f"pools.{name}.key_pair: there is no key pair {pair} in {region}",
                f"`aliyun ecs CreateKeyPair --RegionId {region} --KeyPairName {pair}`, or write the name of another",
            )
    if not any(pools.values()):
        yield green("no pool has a key pair")


def key_finding(id_: str, key: Mapping[str, Any]) -> Finding:
    """Whether a key can encrypt Secrets."""
    if key["KeyState"] != "Enabled":
        back = f"`aliyun kms CancelKeyDeletion --KeyId {id_}`" if key["KeyState"] == "PendingDeletion" else "enable it"
        return red(f"key {id_} is {key['KeyState']}: the cluster would be refused", f"{back}, or write another one")
    if not str(key.get("KeySpec", "")).startswith(SYMMETRIC):
        return red(f"key {id_} is {key.get('KeySpec')}, and ACK takes symmetric ones alone", "write another one")
    return green(f"key {id_} is enabled")


def instance_finding(id_: str, instance: Mapping[str, Any]) -> Finding:
    """Whether a KMS instance can have a new key."""
    if instance.get("Status") != "Connected":
        return red(f"KMS instance {id_} is {instance.get('Status')}", "enable it in the console of KMS")
    return green(f"KMS instance {id_} is connected")


CHECKS = (
    Check(
        name="images",
        title="images of engines and download Jobs in the registry",
        finds="model servers wait for their image on paid GPUs",
        actions=(INSTANCE, REPOSITORY, TAG),
        provider="alicloud",
        run=_images,
    ),
    Check(
        name="secrets-key",
        title="the key of Kubernetes' Secrets",
        finds="ACK refuses the cluster",
        actions=(KEY, KMS_INSTANCE),
        provider="alicloud",
        run=_secrets_key,
    ),
    Check(
        name="key-pairs",
        title="key pairs of the nodes",
        finds="ACK refuses the pool",
        actions=(KEY_PAIRS,),
        provider="alicloud",
        run=_key_pairs,
    ),
    Check(
        name="dns-zone",
        title="the domain for certificates",
        finds="no certificate is ever issued",
        actions=(DOMAIN,),
        provider="alicloud",
        run=_domain,
    ),
    Check(
        name="subnets",
        title="vSwitches, and their free addresses",
        finds="nodes or pods get no address",
        actions=(VSWITCHES,),
        provider="alicloud",
        run=_vswitches,
    ),
)
