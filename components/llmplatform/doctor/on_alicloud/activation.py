"""Steps of the account's owner: activated services, and authorised service roles.

Sources: API references of KMS (DescribeAccountKmsStatus), VPC (GetFlowLogServiceStatus), NAS (DescribeFileSystems) and
RAM (GetRole). Object Storage and the log service have other interfaces, which are not called: they are in the table of
docs/clouds.md.
"""

from collections.abc import Iterator

from llmplatform.catalog.preparation import steps
from llmplatform.doctor.checks import Absent, Ask, Check, Finding, NoAnswer, green, red
from llmplatform.doctor.wanted import Wanted
from llmplatform.specs.cluster import NewAckCluster
from llmplatform.specs.databases import NewPostgres
from llmplatform.specs.stack import AlicloudStack

KMS, FLOW_LOGS, FILES = (
    "kms:DescribeAccountKmsStatus",
    "vpc:GetFlowLogServiceStatus",
    "nas:DescribeFileSystems",
)
_ROLES = "https://ram.console.aliyun.com/role/authorization"


def needed(wanted: Wanted, setting: str) -> bool:
    """Whether a stack has a setting of the table of preparations."""
    stack = wanted.stack
    if not isinstance(stack, AlicloudStack):
        return False
    return {
        "always": True,
        "mirrors.acr": stack.mirrors.acr is not None,
        "addons.cluster_autoscaler": any(group.maximum for pool in wanted.made for group in pool.groups),
        "cluster.secrets_key": isinstance(stack.cluster, NewAckCluster) and stack.cluster.secrets_key is not None,
        "services.mlflow.database": stack.services.mlflow.enabled
        and isinstance(stack.services.mlflow.database, NewPostgres),
        "network.flow_logs": wanted.new_network is not None and wanted.new_network.flow_logs,
    }.get(setting, True)


def _services(wanted: Wanted, ask: Ask) -> Iterator[Finding]:
    region = wanted.stack.cloud.region
    if needed(wanted, "cluster.secrets_key"):
        status = ask(KMS)["AccountStatus"]
        yield _state("Key Management Service", status, status == "Enabled", "the console of KMS")
    if needed(wanted, "network.flow_logs"):
        on = bool(ask(FLOW_LOGS, RegionId=region)["Enabled"])
        yield _state("VPC flow logs", "on" if on else "off", on, "VPC console, O&M and monitoring, Flow Log")
    try:
        ask(FILES, PageSize=1)
    except NoAnswer as error:
        if "NotOpen" not in str(error) and "Closed" not in str(error) and "not activated" not in str(error):
            raise
        yield _state("File Storage NAS", "closed", False, "the console of NAS")
    else:
        yield _state("File Storage NAS", "open", True, "")


def _state(name: str, status: str, well: bool, where: str) -> Finding:
    if well:
        return green(f"{name} is activated")
    return red(f"{name} is not activated (it is {status})", f"let the account's owner activate it: {where}")


def _roles(wanted: Wanted, ask: Ask) -> Iterator[Finding]:
    names = [step.name for step in steps("alicloud") if step.kind == "role" and needed(wanted, step.needed)]
    missing: list[str] = []
    for name in dict.fromkeys(names):
        try:
            ask("ram:GetRole", RoleName=name)
        except Absent:
            missing.append(name)
    if missing:
        yield red(
            f"{len(missing)} of {len(names)} roles of services are not authorised: {', '.join(missing)}",
            f"let the account's owner authorise them, at {_ROLES}",
        )
    else:
        yield green(f"all {len(names)} roles of services are authorised")


CHECKS = (
    Check(
        name="services",
        title="services that are activated",
        finds="`pulumi up` stops half-way",
        actions=(KMS, FLOW_LOGS, FILES),
        provider="alicloud",
        run=_services,
    ),
    Check(
        name="service-roles",
        title="roles of services",
        finds="the cluster fails half-way through its creation",
        actions=("ram:GetRole",),
        provider="alicloud",
        run=_roles,
    ),
)
