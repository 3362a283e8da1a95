"""Runs checkov and kube-linter over every object of the stacks, and fails on a finding without a recorded reason.

`policies/accepted-findings.yaml` has the accepted findings, each with its reason; one that no longer occurs fails as
well, so that the file stays true. checkov has its own environment, because it pins old versions of shared packages;
kube-linter is built from its Go module, like the sandbox's tools.
"""

import fnmatch
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import stack_objects
import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter
from rich.console import Console
from rich.table import Table
from support.program import STACKS

from llmplatform_sandbox.display import display
from llmplatform_sandbox.toolchain import Tool, ensure

ROOT = Path(__file__).parents[1]
ACCEPTED = ROOT / "policies/accepted-findings.yaml"
CHECKOV = ROOT / ".venv-scan/bin/checkov"
LINTER = ROOT / "policies/kube-linter.yaml"
# renovate: datasource=github-releases depName=stackrox/kube-linter
_VERSION = "v0.8.3"
KUBE_LINTER = Tool(
    name="kube-linter",
    version=_VERSION,
    binaries={"kube-linter": "golang.stackrox.io/kube-linter/cmd/kube-linter"},
    variables=(f"golang.stackrox.io/kube-linter/internal/version.version={_VERSION}",),
    modules=ROOT / "requirements",
)


class Accepted(BaseModel):
    """An accepted finding."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    check: str
    """The tool's name of the check."""
    objects: tuple[str, ...] = Field(min_length=1)
    """Patterns of its objects, as the report names them."""
    reason: str = Field(min_length=20)
    """Why it is accepted."""

    def covers(self, finding: "Finding") -> bool:
        """Whether it covers a finding."""
        return self.check == finding.check and any(fnmatch.fnmatchcase(finding.object, each) for each in self.objects)


@dataclass(frozen=True, kw_only=True, order=True)
class Finding:
    """One check that failed at one object."""

    check: str
    object: str
    says: str


@dataclass(frozen=True, kw_only=True)
class Report:
    """A tool's report on a stack."""

    stack: str
    tool: str
    findings: tuple[Finding, ...]
    checks: int | None
    """Number of checks; None if the tool does not count them."""


def checkov(folder: Path) -> Report:
    """The report of checkov on the manifests and the cloud objects of a stack."""
    command = [CHECKOV, "--directory", folder, "--framework", "kubernetes", "terraform", "--output", "json"]
    # Without --skip-download it asks its vendor's server for links to documentation.
    parts = _answer("checkov", [*command, "--skip-download", "--compact", "--soft-fail"])
    if unread := [name for part in parts for name in part["results"]["parsing_errors"]]:
        raise SystemExit(f"checkov could not read {', '.join(unread)}")
    failed = [record for part in parts for record in part["results"]["failed_checks"]]
    return Report(
        stack=folder.name,
        tool="checkov",
        findings=tuple(
            Finding(check=record["check_id"], object=record["resource"], says=record["check_name"]) for record in failed
        ),
        checks=sum(part["summary"]["passed"] + part["summary"]["failed"] for part in parts),
    )


def kube_linter(program: Path, folder: Path) -> Report:
    """The report of kube-linter on the manifests of a stack. It does not count passed checks."""
    said = _answer("kube-linter", [program, "lint", folder, "--config", LINTER, "--format", "json"])
    return Report(
        stack=folder.name, tool="kube-linter", findings=tuple(map(_linted, said["Reports"] or ())), checks=None
    )


def _answer(tool: str, command: Sequence[str | Path]) -> Any:
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        return json.loads(said.stdout)
    except json.JSONDecodeError:
        raise SystemExit(f"{tool} ended with {said.returncode}: {said.stderr.strip()[-500:]}") from None


def _linted(found: Any) -> Finding:
    place = found["Object"]["K8sObject"]
    name = ".".join((place["GroupVersionKind"]["Kind"], place["Namespace"], place["Name"]))
    return Finding(check=found["Check"], object=name, says=found["Diagnostic"]["Message"])


def accepted() -> tuple[Accepted, ...]:
    """The accepted findings in the tracked file."""
    return TypeAdapter(tuple[Accepted, ...]).validate_python(yaml.safe_load(ACCEPTED.read_text()))


def faults(reports: Sequence[Report], known: Sequence[Accepted]) -> list[str]:
    """Findings without a reason, and reasons without a finding."""
    found = [(report.stack, finding) for report in reports for finding in report.findings]
    new = sorted((stack, each) for stack, each in found if not any(entry.covers(each) for entry in known))
    idle = [entry for entry in known if not any(entry.covers(each) for _, each in found)]
    return [
        *(f"{stack}: {each.object}: {each.check}: {each.says}; mend it, or say why it stands" for stack, each in new),
        *(f"{ACCEPTED.name}: {entry.check}: nothing is found any more; delete the entry" for entry in idle),
    ]


def table(reports: Sequence[Report], known: Sequence[Accepted]) -> Table:
    """Counts by stack and tool."""
    drawn = Table("Stack", "Tool")
    for column in ("Checks", "Findings", "accounted for"):
        drawn.add_column(column, justify="right")
    for report in reports:
        right = sum(any(entry.covers(each) for entry in known) for each in report.findings)
        counted = str(report.checks) if report.checks is not None else "not counted"
        drawn.add_row(report.stack, report.tool, counted, str(len(report.findings)), str(right))
    return drawn


def main() -> int:
    """Scan, print the counts, and report faults."""
    with display(Console(stderr=True)) as show:
        linter = ensure([KUBE_LINTER], report=show)["kube-linter"]
    with tempfile.TemporaryDirectory() as name:
        stack_objects.main(Path(name))
        folders = [Path(name) / stack for stack in STACKS]
        reports = [report for each in folders for report in (checkov(each), kube_linter(linter, each))]
    known = accepted()
    Console().print(table(reports, known))
    wrong = faults(reports, known)
    for line in wrong:
        print(line, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
