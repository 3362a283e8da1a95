"""Every check, in the order of the report."""

from collections.abc import Sequence

from llmplatform.doctor.checks import Check
from llmplatform.doctor.here import charts, machine, settings
from llmplatform.doctor.on_alicloud import activation, machines, things
from llmplatform.doctor.on_alicloud import caller as ack_caller
from llmplatform.doctor.on_alicloud import offered as ack_offered
from llmplatform.doctor.on_aws import caller, identities, names, offered, quotas, zones

HERE: tuple[Check, ...] = (*settings.CHECKS, *machine.CHECKS, *charts.CHECKS)
"""Checks without an account."""
AWS: tuple[Check, ...] = (
    *caller.CHECKS,
    *zones.CHECKS,
    *quotas.CHECKS,
    *identities.CHECKS,
    *offered.CHECKS,
    *names.CHECKS,
)
ALICLOUD: tuple[Check, ...] = (
    *ack_caller.CHECKS,
    *activation.CHECKS,
    *machines.CHECKS,
    *ack_offered.CHECKS,
    *things.CHECKS,
)
ALL: tuple[Check, ...] = (*HERE, *AWS, *ALICLOUD)


def checks_of(provider: str) -> Sequence[Check]:
    """The checks of a cloud, and those of any."""
    return [check for check in ALL if check.provider in ("", provider)]


def names_of(provider: str = "") -> Sequence[str]:
    """Names of checks; of all clouds if none is given."""
    return list(dict.fromkeys(check.name for check in ALL if not provider or check.provider in ("", provider)))
