"""What is known of a chart without rendering it: its value keys, its CRDs, whether it has pods.

From the archive where it is there, from a folder of unpacked charts, and from the catalog.
"""

import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Final

from llmplatform.catalog.chart_values import chart_crds, chart_images, chart_keys
from llmplatform_sandbox.kube import definitions
from llmplatform_sandbox.kube.client import Kube
from llmplatform_sandbox.project import Project
from llmplatform_sandbox.providers.archives import metadata_of, unpacked

_ARCHIVE: Final = re.compile(r"^(?P<name>.+?)-(?P<version>v?\d+\.\d+.*)\.tgz$")
_APP_VERSION: Final = re.compile(r"^appVersion: *[\"']?([^\s\"']+)", re.MULTILINE)
_WORKLOAD: Final = re.compile(r"^kind: *[\"']?(Deployment|DaemonSet|StatefulSet|Job|Pod)\b", re.MULTILINE)


def chart_of(inputs: Mapping[str, Any]) -> tuple[str, str]:
    """(chart, version) of a release's inputs: from the archive's file name, else from `chart` and `version`."""
    chart = str(inputs["chart"])
    match = _ARCHIVE.match(chart.rsplit("/", 1)[-1])
    if match:
        return match["name"], match["version"]
    return chart.rstrip("/").rsplit("/", 1)[-1], str(inputs.get("version") or "")


Programs = Callable[[], Sequence[Project]]
"""The projects whose programs may name a chart by a path that counts from their folder."""


@dataclass(frozen=True, kw_only=True)
class Chart:
    """One chart of one release."""

    name: str
    version: str
    type: str = "application"
    archive: Path | None = None
    """Folder of the archive's content; None: the archive is not there."""
    folder: Path | None = None
    """Folder of the same chart among the unpacked ones, which may not be there."""

    @property
    def app_version(self) -> str:
        """Version of the chart's program; empty where it cannot be known."""
        for folder in (self.archive, self.folder):
            file = folder / "Chart.yaml" if folder else None
            if file and file.is_file() and (match := _APP_VERSION.search(file.read_text())):
                return match[1]
        return ""

    @property
    def runs_pods(self) -> bool:
        """Whether it has pods: by its templates, or else by the images that the catalog knows of it."""
        if self.archive:
            return any(_WORKLOAD.search(file.read_text()) for file in self.archive.rglob("templates/**/*.y*ml"))
        try:
            return bool(chart_images(self.name))
        except KeyError:
            return False

    def install_crds(self, kube: Kube, values: Mapping[str, Any], *, skip: bool) -> str:
        """Install the chart's CRDs; returns the manifest of those that an uninstall takes away."""
        rule = _rules().get(self.name, {})
        in_templates = bool(rule.get("templates"))
        if (skip and not in_templates) or not _setting(rule, "switch", values, otherwise=True):
            return ""
        found = definitions.from_folder(self.archive, values) if self.archive else []
        if not found and self.folder and self.folder.is_dir():
            found = definitions.from_folder(self.folder, values)
        elif not found:
            found = _permissive(self.name)
        definitions.install(kube, found, upgrade=in_templates)
        kept = not in_templates or _setting(rule, "keep", values, otherwise=False)
        return "" if kept else definitions.manifest_of(found)


class Charts:
    """Finds charts: archives where programs name them, and what lies in a folder, unpacked, by the chart's name."""

    def __init__(self, folder: Path | None, programs: Programs = tuple) -> None:
        self._folder = folder
        self._programs = programs

    def find(self, inputs: Mapping[str, Any], urn: str) -> Chart:
        """The chart of a release's inputs. Raises `BadArchive`."""
        name, version = chart_of(inputs)
        archive = self._archive(str(inputs["chart"]), urn)
        meta = {"name": name, "version": version, **(metadata_of(archive) if archive else {})}
        return Chart(
            name=meta["name"],
            version=str(meta["version"]),
            type=meta.get("type") or "application",
            archive=archive,
            folder=self._folder / meta["name"] if self._folder else None,
        )

    def _archive(self, chart: str, urn: str) -> Path | None:
        """A relative path counts from the folder that the engine starts providers in: that of the program."""
        for project in self._programs():
            if project.name == urn.split("::")[1]:
                program = project.program
                file = (program if program.is_dir() else program.parent) / chart
                return unpacked(file) if file.is_file() else None
        return None


@cache
def _rules() -> Mapping[str, Any]:
    return tomllib.loads(resources.files("llmplatform_sandbox.providers").joinpath("chart_crds.toml").read_text())


def _setting(rule: Mapping[str, Any], key: str, values: Mapping[str, Any], *, otherwise: bool) -> bool:
    if key not in rule:
        return otherwise
    path, default = rule[key]
    found = definitions.lookup(values, path)
    return bool(default if found is None else found)


def unknown_keys(chart: str, version: str, values: Mapping[str, Any]) -> list[str]:
    """Value keys that the chart does not have, by the catalog; a chart that it does not know is not checked."""
    try:
        chart_crds(chart)
    except KeyError:
        return []
    try:
        return chart_keys(chart, version).unknown(values)
    except KeyError as error:
        return [str(error.args[0])]


def _permissive(chart: str) -> list[definitions.Definition]:
    """Permissive definitions of the kinds that the catalog says a chart brings."""
    try:
        found = chart_crds(chart)
    except KeyError:
        return []
    return [
        definitions.permissive(
            group=crd.group, versions=crd.versions, kind=crd.kind, plural=crd.plural, scope=crd.scope
        )
        for crd in found
    ]
