"""Whether a stack's charts are complete, accepted, and consistent with one another.

Sources: `Chart.yaml` in the documentation of Helm (kubeVersion, appVersion); the charts' own requirements are read from
their archives.
"""

import hashlib
import lzma
import tarfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from llmplatform.catalog.versions import Chart
from llmplatform.checks.archives import LOCK, lock_key, locked, missing_archives
from llmplatform.doctor.checks import Ask, Check, Finding, green, red, yellow
from llmplatform.doctor.here.constraints import admits
from llmplatform.doctor.wanted import Wanted

FOLDER = ".charts"
TOGETHER = ("kube-prometheus-stack", "prometheus-operator-crds")
"""Charts of one operator: the second installs the CRDs that the first one's operator reads."""
_PULL = "`llmplatform charts pull`, and commit charts.lock"


def _archives(wanted: Wanted, ask: Ask) -> Iterator[Finding]:
    missing = missing_archives(wanted.charts, wanted.project / FOLDER)
    if missing:
        names = ", ".join(problem.path for problem in missing)
        yield red(
            f"{len(missing)} of {len(wanted.charts)} charts are missing: {names}",
            f"`llmplatform charts pull --stack {wanted.name}`",
        )
    else:
        yield green(f"all {len(wanted.charts)} charts are there")


def _lock(wanted: Wanted, ask: Ask) -> Iterator[Finding]:
    path = wanted.project / LOCK
    if not path.is_file():
        yield yellow("there is no charts.lock: no digest is recorded for any archive", _PULL)
        return
    try:
        digests = locked(path)
    except ValueError as error:
        yield red(f"charts.lock: {error}", "restore the committed file")
        return
    for chart in wanted.charts:
        archive, recorded = wanted.project / FOLDER / chart.archive, digests.get(lock_key(chart))
        if recorded is None:
            yield yellow(f"charts.lock has no {chart.name} {chart.version}", _PULL)
        elif archive.is_file() and hashlib.sha256(archive.read_bytes()).hexdigest() != recorded:
            yield red(
                f"{archive.name} is not the archive that charts.lock has",
                f"remove {archive} and `llmplatform charts pull`; if it differs again, find out why",
            )
        else:
            yield green(f"{chart.name} {chart.version}")


def metadata(archive: Path) -> Mapping[str, Any] | None:
    """`Chart.yaml` of an archive; None if it is missing, or the file is no archive."""
    try:
        with tarfile.open(archive) as opened:
            for member in opened:
                if member.name.count("/") == 1 and member.name.endswith("/Chart.yaml"):
                    file = opened.extractfile(member)
                    found = yaml.safe_load(file) if file else None
                    return found if isinstance(found, dict) else None
    except (tarfile.TarError, OSError, EOFError, ValueError, zlib.error, lzma.LZMAError, yaml.YAMLError):
        return None
    return None


def _fit(wanted: Wanted, ask: Ask) -> Iterator[Finding]:
    found = {
        chart.name: (chart, metadata(wanted.project / FOLDER / chart.archive))
        for chart in wanted.charts
        if (wanted.project / FOLDER / chart.archive).is_file()
    }
    minor = wanted.stack.cluster.kubernetes_version
    for chart, said in found.values():
        yield chart_finding(chart, said, minor)
    operator = [str((found[name][1] or {}).get("appVersion")) for name in TOGETHER if name in found]
    if len(operator) == len(TOGETHER) and len({*operator}) > 1:
        yield red(
            f"{TOGETHER[0]} runs operator {operator[0]}, and {TOGETHER[1]} has the CRDs of {operator[1]}",
            "report it: the two are raised together",
        )
    if not found:
        yield yellow("no chart is there to look into", f"`llmplatform charts pull --stack {wanted.name}`")


def chart_finding(chart: Chart, said: Mapping[str, Any] | None, minor: str) -> Finding:
    """Whether an archive is the chart of its name, and supports a minor."""
    again = "remove it and `llmplatform charts pull`"
    if said is None:
        return red(f"{chart.archive} is no chart", again)
    if (said.get("name"), str(said.get("version")).removeprefix("v")) != (chart.name, chart.version.removeprefix("v")):
        return red(f"{chart.archive} is {said.get('name')} {said.get('version')}", again)
    constraint = str(said.get("kubeVersion") or "")
    if not admits(constraint, minor):
        return red(
            f"{chart.name} {chart.version} is for Kubernetes {constraint}, and the cluster has {minor}",
            "write another cluster.kubernetes_version",
        )
    if chart.kubernetes and minor not in chart.kubernetes:
        return yellow(
            f"{chart.name} {chart.version} was tested with Kubernetes {', '.join(chart.kubernetes)}, not with {minor}",
            "try it before you rely on it",
        )
    return green(f"{chart.name} {chart.version} is for Kubernetes {minor}")


CHECKS = (
    Check(
        name="charts",
        title="archives of the charts",
        finds="`pulumi up` ends before its first step",
        run=_archives,
    ),
    Check(
        name="charts-lock",
        title="archives against charts.lock",
        finds="another chart is installed than the one that was accepted",
        run=_lock,
    ),
    Check(
        name="charts-fit",
        title="charts against Kubernetes, and against the CRDs that they need",
        finds="a release fails, after cluster and nodes are made",
        run=_fit,
    ),
)
