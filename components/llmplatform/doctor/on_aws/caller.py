"""The caller: whether EKS admits it, and whether the clock is right.

Sources: IAM identifiers (the ARN of an assumed role has the role's name and no path); EKS user guide, access entries
(an ARN of a role with its path); AWS signature version 4 (a request is refused when its time is more than five minutes
off).
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from llmplatform.doctor.checks import Ask, Check, Finding, green, red, yellow
from llmplatform.doctor.gate import IDENTITY, gate
from llmplatform.doctor.wanted import Wanted
from llmplatform.specs.cluster import NewEksCluster

_ASSUMED = re.compile(r"arn:(?P<partition>[\w-]+):sts::(?P<account>\d+):assumed-role/(?P<role>[^/]+)/.+")
MOST_SECONDS_OFF = 300
NOTICED_SECONDS_OFF = 60


def role_of(arn: str) -> str:
    """The principal of a caller's ARN: the role of a session."""
    session = _ASSUMED.fullmatch(arn)
    return f"arn:{session['partition']}:iam::{session['account']}:role/{session['role']}" if session else arn


def is_admin(arn: str, admins: tuple[str, ...]) -> str | None:
    """The administrator that a caller is. A session's ARN lacks the path of its role, whose name is unique."""
    wanted = role_of(arn)
    for admin in admins:
        kind, _, rest = admin.partition(":role/")
        if admin == wanted or (rest and f"{kind}:role/{rest.rpartition('/')[2]}" == wanted):
            return admin
    return None


def _admins(wanted: Wanted, ask: Ask) -> Iterator[Finding]:
    cluster = wanted.stack.cluster
    if not isinstance(cluster, NewEksCluster):
        yield green("an existing cluster has access entries of its own")
        return
    arn = ask(IDENTITY)["Arn"]
    admin = is_admin(arn, cluster.admins)
    if admin:
        yield green(f"{admin} administers the cluster")
    elif arn.endswith(":root"):
        yield red(
            "these are the credentials of the account's root user, which EKS takes for no administrator",
            "use a role, and name it in cluster.admins",
        )
    else:
        yield red(
            f"{role_of(arn)} is not in cluster.admins: everything within Kubernetes would be refused, after 20 minutes",
            "add it to cluster.admins, or assume a role that is there",
        )


def seconds_off(date: str, now: datetime) -> float:
    """How far a clock is from the `Date` of an answer; positive if it is ahead."""
    return (now - parsedate_to_datetime(date)).total_seconds()


def clock_finding(seconds: float) -> Finding:
    """The finding for a difference of the clocks."""
    text = f"this machine's clock is {abs(seconds):.0f} s {'ahead of' if seconds > 0 else 'behind'} the account's"
    remedy = "set it by NTP: `timedatectl` says whether that is on"
    if abs(seconds) >= MOST_SECONDS_OFF:
        return red(f"{text}; requests more than {MOST_SECONDS_OFF} s off are refused", remedy)
    return yellow(text, remedy) if abs(seconds) >= NOTICED_SECONDS_OFF else green(text)


def _clock(wanted: Wanted, ask: Ask) -> Iterator[Finding]:
    headers = ask(IDENTITY)["ResponseMetadata"].get("HTTPHeaders", {})
    if "date" in headers:
        yield clock_finding(seconds_off(headers["date"], datetime.now(UTC)))
    else:
        yield green("the service does not say what time it is")


CHECKS = (
    gate("aws", role_of),
    Check(
        name="admins",
        title="the caller administers the cluster",
        finds="every object within Kubernetes is refused, after about 20 minutes",
        actions=(IDENTITY,),
        provider="aws",
        run=_admins,
    ),
    Check(
        name="clock",
        title="this machine's clock",
        finds="requests are refused as too old",
        actions=(IDENTITY,),
        provider="aws",
        run=_clock,
    ),
)
