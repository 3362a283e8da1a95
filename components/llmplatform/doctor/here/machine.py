"""Whether this machine has the tools that `pulumi up` starts, in a working version.

Source of the engine's version: ADR 0012 and docs/recovering.md (what older ones do after a failure).
"""

import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping

from llmplatform.doctor.checks import Ask, Check, Finding, green, red, yellow
from llmplatform.doctor.wanted import Wanted

OLDEST_ENGINE = (3, 274)
LOGIN: Mapping[str, tuple[str, str]] = {
    "aws": ("aws", "install the AWS CLI, version 2"),
    "alicloud": ("ack-ram-tool", "install it from the releases of AliyunContainerService/ack-ram-tool"),
}
"""Login program of a cluster's kubeconfig, by cloud, and how to get it."""
SECONDS = 5
_ENGINE = "install the Pulumi CLI 3.274 or newer, as pulumi.com/docs/install says"


def version_of(program: str) -> str:
    """The output of `PROGRAM version`; empty if it fails."""
    try:
        done = subprocess.run([program, "version"], capture_output=True, text=True, timeout=SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def tool_findings(
    provider: str, which: Callable[[str], str | None], version: Callable[[str], str]
) -> Iterator[Finding]:
    """The tools on this machine. `which` and `version`: how to look."""
    engine = which("pulumi")
    if engine is None:
        yield red("pulumi is not on PATH", _ENGINE)
    else:
        said = version(engine)
        number = re.match(r"v?(\d+)\.(\d+)", said)
        if number is None:
            yield yellow(f"`pulumi version` says {said!r}", _ENGINE)
        elif (int(number[1]), int(number[2])) < OLDEST_ENGINE:
            yield red(f"pulumi is {said}, which may compute for hours after a failed deletion", _ENGINE)
        else:
            yield green(f"pulumi {said}")
    login, remedy = LOGIN[provider]
    if which(login):
        yield green(login)
    else:
        yield red(f"{login} is not on PATH: the cluster's kubeconfig calls it to log in", remedy)
    if which("kubectl"):
        yield green("kubectl")
    else:
        yield yellow("kubectl is not on PATH: what goes wrong within the cluster cannot be looked at", "install it")


def _tools(wanted: Wanted, ask: Ask) -> Iterator[Finding]:
    yield from tool_findings(wanted.stack.cloud.provider, shutil.which, version_of)


CHECKS = (
    Check(
        name="tools",
        title="tools on this machine",
        finds="everything within Kubernetes fails, after the cluster is made",
        run=_tools,
    ),
)
