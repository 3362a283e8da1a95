"""The parts of AWS' simulated account beyond the facts."""

import re
from collections.abc import Iterable, Sequence

from llmplatform_sandbox.cloud.account import BEFORE, Account
from llmplatform_sandbox.cloud.aws.behaviours import ADDON, CLUSTER, SUBNET, behaviours
from llmplatform_sandbox.cloud.aws.groups import Groups
from llmplatform_sandbox.cloud.aws.late_actors import guard
from llmplatform_sandbox.cloud.aws.losses import remarks
from llmplatform_sandbox.cloud.aws.machines import offered
from llmplatform_sandbox.cloud.aws.node_health import addons
from llmplatform_sandbox.cloud.aws.places import offer, quota, zone
from llmplatform_sandbox.cloud.faults import EVERYTHING
from llmplatform_sandbox.cloud.parts import Arguments, Parts
from llmplatform_sandbox.cloud.requests import Scope
from llmplatform_sandbox.cloud.store import Store
from llmplatform_sandbox.cloud.templates import get

_ADMIN = "AmazonEKSClusterAdminPolicy"
_ACCESS = "aws:eks/accessPolicyAssociation:AccessPolicyAssociation"
_DRIVERS = ("ebs.csi.aws.com", "efs.csi.aws.com")


def _installed(store: Store) -> Iterable[str]:
    """Including self-managed ones."""
    own = [one.outputs["addonName"] for one in store.all(ADDON)]
    bootstrapped = any(one.outputs["bootstrapSelfManagedAddons"] for one in store.all(CLUSTER))
    return [*own, *(name for name, one in addons().items() if one.self_managed and bootstrapped and name not in own)]


def _admins(store: Store) -> Sequence[str]:
    """Principals with an access entry."""
    found = {one.outputs["principalArn"] for one in store.all(_ACCESS) if one.outputs["policyArn"].endswith(_ADMIN)}
    return sorted(found)


def _locked_out(account: Account) -> str:
    """EKS user guide, access entries: without one, a principal is unauthorised, whatever IAM allows."""
    ours = [one for one in account.store.all(CLUSTER) if one.made_by != BEFORE]
    creator = any(get(one.outputs, "accessConfig.bootstrapClusterCreatorAdminPermissions") for one in ours)
    known = creator or _admins(account.store)
    if not ours or (known and not account.faults.active("no-access-entry", EVERYTHING)):
        return ""
    return (
        "Unauthorized: the server has asked for the client to provide credentials: who runs this has no access entry "
        "of the cluster; write its role into cluster.admins"
    )


def _subnets(store: Store) -> list[str]:
    return [subnet for one in store.all(CLUSTER) for subnet in get(one.outputs, "vpcConfig.subnetIds") or []]


def _zones(store: Store) -> frozenset[str]:
    return frozenset(one.outputs["availabilityZone"] for one in store.all(SUBNET) if "availabilityZone" in one.outputs)


def _scope(arguments: Arguments) -> Scope:
    region = str(arguments.get("region") or "us-east-1")
    accounts = arguments.get("allowedAccountIds") or [Scope(region="").account]
    tags = (arguments.get("defaultTags") or {}).get("tags") or {}
    return Scope(
        region=region,
        account=str(accounts[0]),
        partition="aws-cn" if region.startswith("cn-") else "aws",
        default_tags={key: value for key, value in tags.items() if isinstance(value, str)},
    )


PARTS = Parts(
    behaviours=behaviours,
    groups=Groups,
    installed=_installed,
    admins=_admins,
    subnets=_subnets,
    zones=_zones,
    scope=_scope,
    network=(frozenset({"vpc-cni", "kube-proxy"}),),
    remarks=remarks,
    provider_id=re.compile(r"^aws://"),
    locked_out=_locked_out,
    struck=guard,
    targets={
        "spot-stockout": offered,
        "stockout": offered,
        "zone-outage": zone,
        "no-quota": quota,
        "not-offered": offer,
        "no-access-entry": EVERYTHING.__eq__,
        "late-log-group": EVERYTHING.__eq__,
        "slow-volumes": lambda name: name in _DRIVERS,
        "foreign-endpoint": EVERYTHING.__eq__,
    },
)
