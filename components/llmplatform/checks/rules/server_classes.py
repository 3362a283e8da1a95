"""Rules about the classes of managed servers of Postgres: sizes and families that are there."""

import re
from collections.abc import Iterator

from llmplatform.catalog.databases import APSARADB_CLASSES, RDS_CLASSES
from llmplatform.checks.problems import Problem
from llmplatform.checks.rules.databases import servers
from llmplatform.checks.rules.rule import whole
from llmplatform.specs.stack import AlicloudStack, Stack

AWS_SIZE = r"(micro|small|medium|large|(2|3|4|6|8|9|10|12|16|18|24|32|48)?xlarge|metal)"
"""Sizes of machines of EC2, which RDS and ElastiCache name their own by."""
_RDS_CLASS = re.compile(rf"db\.[a-z0-9-]+\.{AWS_SIZE}")
_OLD = re.compile(r"db\.(t[12]|m[1-4]|r[34])\.")
"""Families without Postgres 15 or later (RDS user guide, "Supported DB engines for DB instance classes")."""
_BASIC = ".1m"
"""Ending of the classes of one server (ApsaraDB RDS for PostgreSQL, "Primary instance types")."""
_APSARADB_ZONES = 2
_OF_AWS = {"maintenance_day": "the window is every day", "last_backup": "ApsaraDB keeps no backup of a deleted server"}


def classes_are_there(stack: Stack) -> Iterator[Problem]:
    """A class has a size of its cloud, is of a family with these versions, and has a standby where one is wanted."""
    for path, server in servers(stack):
        name, here = server.instance_class or "", f"{path}.instance_class"
        if isinstance(stack, AlicloudStack):
            if name.startswith(APSARADB_CLASSES) and name.endswith(_BASIC) and server.standby:
                yield Problem(
                    here, f"'{name}' is a class of one server", "write one that ends with '.2m', or standby: false"
                )
        elif _OLD.match(name):
            yield Problem(
                here, f"'{name}' is of a family without Postgres {server.version}", "write one like db.t4g.medium"
            )
        elif name.startswith(RDS_CLASSES) and not _RDS_CLASS.fullmatch(name):
            yield Problem(here, f"'{name}' is no class of RDS", "write one like db.t4g.medium")


def apsaradb_takes_its_settings(stack: Stack) -> Iterator[Problem]:
    """What has no effect on Alibaba Cloud is no setting there."""
    if not isinstance(stack, AlicloudStack):
        return
    for path, server in servers(stack):
        if len(server.zones) > _APSARADB_ZONES:
            yield Problem(f"{path}.zones", "ApsaraDB has a server and one standby", "write two zones")
        for name, fact in _OF_AWS.items():
            if name in server.model_fields_set:
                yield Problem(f"{path}.{name}", f"it has no effect on Alibaba Cloud: {fact}", "remove it")


PROBLEMS = whole(classes_are_there, apsaradb_takes_its_settings)
