"""Rules about existing things of an AWS account, and about what EKS fixes at creation."""

from collections.abc import Iterator

from llmplatform.checks.problems import Problem
from llmplatform.checks.rules.places import zones_of_the_environment
from llmplatform.checks.rules.rule import whole
from llmplatform.specs.cluster import NewEksCluster
from llmplatform.specs.network import NewNetwork
from llmplatform.specs.stack import AwsStack, Stack


def control_plane_has_zones(stack: Stack) -> Iterator[Problem]:
    """The control plane lies in two or more of the environment's zones."""
    if not isinstance(stack, AwsStack) or not isinstance(stack.cluster, NewEksCluster):
        return
    zones = stack.cluster.zones
    yield from zones_of_the_environment("cluster.zones", zones, stack)
    if len(zones) == 1:
        yield Problem("cluster.zones", "EKS wants its control plane in two zones", "name another one, or none")


def what_the_account_has_is_the_accounts(stack: Stack) -> Iterator[Problem]:
    """Named roles, policies and keys belong to the account and the region."""
    if not isinstance(stack, AwsStack):
        return
    cloud = stack.cloud
    named = {
        "cloud.assume_role": cloud.assume_role,
        "cloud.permissions_boundary": cloud.permissions_boundary,
        "cloud.data_key": cloud.data_key,
    }
    if isinstance(stack.cluster, NewEksCluster):
        named |= {f"cluster.access[{index}].principal": one.principal for index, one in enumerate(stack.cluster.access)}
    for path, arn in named.items():
        if arn is None:
            continue
        _, partition, _, region, account, _ = arn.split(":", maxsplit=5)
        if partition != cloud.partition:
            yield Problem(
                path,
                f"'{partition}' is not the partition of region '{cloud.region}'",
                f"write 'arn:{cloud.partition}:…'",
            )
        if account not in (cloud.account_id, "aws"):
            yield Problem(
                path,
                f"it is of account {account}, and cloud.account_id is {cloud.account_id}",
                "name one of the account, or change cloud.account_id",
            )
        if region and region != cloud.region:
            yield Problem(path, f"it is of region '{region}'", f"name one of '{cloud.region}'")


def snapshots_have_their_controller(stack: Stack) -> Iterator[Problem]:
    """Settings of the snapshot controller have an effect."""
    cluster = stack.cluster
    if isinstance(cluster, NewEksCluster) and "snapshot-controller" in cluster.addons and not cluster.snapshots:
        yield Problem(
            "cluster.addons.snapshot-controller", "it is made with cluster.snapshots alone", "write that, too"
        )


def principals_have_one_entry(stack: Stack) -> Iterator[Problem]:
    """A principal has one access entry: as an administrator, or with the rights of `access`.

    IAM's names ignore case (IAM user guide, "IAM and AWS STS quotas").
    """
    if not isinstance(stack.cluster, NewEksCluster):
        return
    cluster = stack.cluster
    named = {f"cluster.admins[{index}]": admin for index, admin in enumerate(cluster.admins)}
    named |= {f"cluster.access[{index}].principal": one.principal for index, one in enumerate(cluster.access)}
    seen: dict[str, str] = {}
    for path, principal in named.items():
        other = seen.setdefault(principal.lower(), principal)
        if principal != other:
            yield Problem(path, f"it differs from '{other}' by case alone, which IAM does not see", "remove one")
        elif principal in list(named.values())[: list(named).index(path)] and path.startswith("cluster.access"):
            yield Problem(path, f"'{principal}' has an entry already", "remove one")


def roles_have_a_path_of_ours(stack: Stack) -> Iterator[Problem]:
    """AWS reserves paths ("Path prefix '/aws-service-role/' can only be used for …", as CreateRole answers)."""
    if isinstance(stack, AwsStack) and stack.cloud.role_path.startswith("/aws-"):
        first = stack.cloud.role_path.split("/")[1]
        yield Problem(
            "cloud.role_path", f"AWS keeps '/{first}/' to roles of its own", "write a path of yours, like /platform/"
        )


def the_role_that_is_taken_administers(stack: Stack) -> Iterator[Problem]:
    """The assumed role administers the cluster that it creates; else it could create nothing in it."""
    if not isinstance(stack, AwsStack) or not isinstance(stack.cluster, NewEksCluster):
        return
    role = stack.cloud.assume_role
    if role and role not in stack.cluster.admins:
        yield Problem("cluster.admins", f"'{role}' (cloud.assume_role) makes the cluster, and is not let in", "add it")


def endpoints_have_known_names(stack: Stack) -> Iterator[Problem]:
    """Interface endpoints exist only on AWS, and have known names."""
    if not isinstance(stack.network, NewNetwork) or stack.network.endpoints != "private":
        return
    if not isinstance(stack, AwsStack):
        yield Problem("network.endpoints", "Alibaba Cloud's services need none in the network", "leave it out")
    elif stack.cloud.partition == "aws-cn":
        yield Problem("network.endpoints", "the names of AWS China's endpoints could not be checked", "write 's3'")


def principals_are_of_the_account(stack: Stack) -> Iterator[Problem]:
    """Administrators are principals of the cluster's account. Ids of Alibaba Cloud do not contain the account."""
    if not isinstance(stack, AwsStack) or not isinstance(stack.cluster, NewEksCluster):
        return
    for index, arn in enumerate(stack.cluster.admins):
        _, partition, _, _, account, _ = arn.split(":", maxsplit=5)
        if partition != stack.cloud.partition:
            yield Problem(
                f"cluster.admins[{index}]",
                f"'{partition}' is not the partition of region '{stack.cloud.region}'",
                f"write 'arn:{stack.cloud.partition}:iam::…'",
            )
        if account != stack.cloud.account_id:
            yield Problem(
                f"cluster.admins[{index}]",
                f"it is of account {account}, and cloud.account_id is {stack.cloud.account_id}: the account id was "
                "changed in one place only",
                f"write 'arn:{stack.cloud.partition}:iam::{stack.cloud.account_id}:…', or change cloud.account_id",
            )


def principals_are_people_and_machines(stack: Stack) -> Iterator[Problem]:
    """No administrator is a service-linked role: EKS refuses access entries for them."""
    if not isinstance(stack, AwsStack) or not isinstance(stack.cluster, NewEksCluster):
        return
    for index, arn in enumerate(stack.cluster.admins):
        if ":role/aws-service-role/" in arn:
            yield Problem(
                f"cluster.admins[{index}]",
                "it is a service-linked role, which its service alone can assume",
                "write the role or user that runs 'pulumi up'",
            )


PROBLEMS = whole(
    principals_are_of_the_account,
    principals_are_people_and_machines,
    control_plane_has_zones,
    what_the_account_has_is_the_accounts,
    snapshots_have_their_controller,
    principals_have_one_entry,
    roles_have_a_path_of_ours,
    the_role_that_is_taken_administers,
    endpoints_have_known_names,
)
