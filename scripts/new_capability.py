#!/usr/bin/env -S sh -c 'exec "$(dirname "$0")/../.venv/bin/python" "$0" "$@"'
r"""Writes the three files of a new capability and its line in the files that list capabilities.

    scripts/new_capability.py keda --kind addon --about "Scales workloads by events." \
        --chart https://kedacore.github.io/charts/keda --version 2.20.2

What follows from them is written as well (exports, the settings' schema, the reference). It is switched off until its
settings say otherwise. With a chart, run scripts/chart_keys.py next: it records the chart's keys, images and CRDs.
"""

import argparse
import keyword
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
SECTIONS = {"addon": "Addons", "service": "Services", "job": "Jobs"}
SETTINGS = '''"""{about}"""

from typing import ClassVar

from llmplatform.specs.capability import Capability


class {noun}(Capability):
    """{about}"""
{charts}
    namespaces: ClassVar = ("{dashed}",)

    enabled: bool = False
'''
COMPONENT = '''"""{about}

Dangerous to replace: its namespace, with everything in it.
"""

from dataclasses import dataclass

import pulumi

{imports}
(NAMESPACE,) = Spec.namespaces

{values}
@dataclass(frozen=True, kw_only=True)
class {noun}Args:
    """Arguments of `{noun}`."""

    spec: Spec
    site: Site


class {noun}(PlatformComponent):
    """{about}"""

    namespace: pulumi.Output[str]
    """Its namespace; known when it is installed."""

    def __init__(self, name: str, args: {noun}Args, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("llmplatform:{folder}:{noun}", name, opts)
{made}
        self.finish()


def install(site: Site) -> Site:
    """The site with it, where the settings ask for it."""
    spec = site.wanted(Spec)
    if spec is not None:
        {noun}("{dashed}", {noun}Args(spec=spec, site=site), site.opts)
    return site
{values_of}'''
TEST = '''"""{about}"""

from typing import Any

from support.sites import on_sites, site, with_site

from llmplatform.{folder} import {noun}, {noun}Args, {name}
from llmplatform.specs.{folder} import {noun} as Spec
from llmplatform.testing import RecordingEngine

TYPE, NAMESPACE = "llmplatform:{folder}:{noun}", "kubernetes:core/v1:Namespace"


def installed(**changes: Any) -> {noun}:
    here, changes = with_site(changes)
    return {noun}("{dashed}", {noun}Args(site=here, **{{"spec": Spec(enabled=True), **changes}}))


VARIANTS = on_sites("{dashed}", installed)


def test_it_has_a_namespace_of_its_own() -> None:
    (namespace,) = RecordingEngine().run(installed).all(NAMESPACE)
    assert namespace.inputs["metadata"]["name"] == "{dashed}"


def test_it_is_installed_only_where_the_settings_ask_for_it() -> None:
    asked = RecordingEngine().run(lambda: {name}.install(site(sections=(Spec(enabled=True),))))
    assert [each.name for each in asked.all(TYPE)] == ["{dashed}"]
    assert not RecordingEngine().run(lambda: {name}.install(site())).registered
'''
VALUES = '''
class {noun}Values(Values):
    """Values of the chart that we set."""

'''
VALUES_OF = '''

def values(args: {noun}Args) -> {noun}Values:
    """Values of the release."""
    return {noun}Values()
'''
MADE = """        self.namespace = args.site.namespace(self, name, Rails(namespace=NAMESPACE)).name"""
MADE_BY_CHART = """        rails = Rails(namespace=NAMESPACE, openings=https())
        installed = args.site.release(self, name, "{chart}", values(args), rails)
        self.namespace = after(NAMESPACE, installed)"""


@dataclass(frozen=True, kw_only=True)
class Capability:
    """What is asked for."""

    name: str
    """As Python and the stack file spell it, e.g. `gpu_metrics`."""
    kind: str
    about: str
    chart: str | None = None
    """Address of its chart: repository and name."""
    version: str | None = None

    @property
    def folder(self) -> str:
        """Folder of its kind."""
        return f"{self.kind}s"

    @property
    def words(self) -> dict[str, str]:
        """What the templates speak of."""
        noun = "".join(part.title() for part in self.name.split("_"))
        dashed = self.name.replace("_", "-")
        words = {"name": self.name, "folder": self.folder, "about": self.about, "noun": noun, "dashed": dashed}
        values = VALUES.format(**words) if self.chart else ""
        return {
            **words,
            "values": values,
            "values_of": VALUES_OF.format(**words) if self.chart else "",
            "charts": f'\n    charts: ClassVar = ("{self.chart_name}",)' if self.chart else "",
            "made": MADE_BY_CHART.format(chart=self.chart_name) if self.chart else MADE,
            "imports": "\n".join(f"from llmplatform.{each}" for each in self._imports(noun)) + "\n",
        }

    @property
    def chart_name(self) -> str:
        """Name of its chart; empty without one."""
        return (self.chart or "").rpartition("/")[2]

    def _imports(self, noun: str) -> list[str]:
        of_charts = ["base.network_policy import https", "base.ordering import after"]
        return [
            *(["base.chart_values import Values"] if self.chart else []),
            "base.component import PlatformComponent",
            *(of_charts if self.chart else []),
            "base.site import Rails, Site",
            f"specs.{self.folder} import {noun} as Spec",
        ]


def write(wanted: Capability, root: Path) -> list[Path]:
    """Write a capability into a checkout; gives the files that were written or changed by a line.

    Raises FileExistsError where one of its three files is there already.
    """
    library, words = root / "components/llmplatform", wanted.words
    new = {
        library / "specs" / wanted.folder / f"{wanted.name}.py": SETTINGS,
        library / wanted.folder / f"{wanted.name}.py": COMPONENT,
        root / "tests/unit" / wanted.folder / f"test_{wanted.name}.py": TEST,
    }
    there = [path for path in new if path.exists()]
    if there:
        raise FileExistsError(f"{there[0].relative_to(root)} is there already")
    for path, template in new.items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(template.format(**words), encoding="utf-8")
    section, folder = library / "specs/capabilities.py", wanted.folder
    field = f"    {wanted.name}: {folder}.{words['noun']} = {folder}.{words['noun']}()"
    _edit(
        section, *_imported(section, "from llmplatform.specs import", folder), _in_class(SECTIONS[wanted.kind], field)
    )
    program = root / "infra/capabilities.py"
    line = f"    site = {folder}.{wanted.name}.install(site)\n"
    _edit(program, *_imported(program, "from llmplatform import", folder), (r"(?=    return site  # noqa)", line))
    changed = [*new, section, program]
    if wanted.chart:
        changed.append(_pinned(wanted, library / "catalog/data/versions/charts.toml"))
    return changed


def _edit(path: Path, *replacements: tuple[str, str]) -> None:
    text = path.read_text(encoding="utf-8")
    for pattern, new in replacements:
        text, found = re.subn(pattern, new, text, count=1, flags=re.MULTILINE)
        if not found:
            raise LookupError(f"{path.name}: no place for {new.strip()}")
    path.write_text(text, encoding="utf-8")


def _imported(path: Path, start: str, folder: str) -> list[tuple[str, str]]:
    """The first capability of a kind imports its folder."""
    if re.search(rf"^{start} .*\b{folder}\b", path.read_text(encoding="utf-8"), flags=re.MULTILINE):
        return []
    return [(rf"^{start} (.+)$", rf"{start} \1, {folder}")]


def _in_class(name: str, line: str) -> tuple[str, str]:
    """A line at the end of a class' body, with an empty one before the first."""
    return rf"(^class {name}\(Section\):\n    \"\"\".*\"\"\"\n)(\n?)((?:    .*\n)*)", rf"\1\n\3{line}\n"


def _pinned(wanted: Capability, versions: Path) -> Path:
    repository = (wanted.chart or "").rpartition("/")[0]
    row = f'{wanted.chart_name} = {{ version = "{wanted.version}", repository = "{repository}" }}'
    lines = versions.read_text(encoding="utf-8").splitlines()
    comments = [line for line in lines if line.startswith("#")]
    versions.write_text("\n".join([*comments, *sorted({*lines[len(comments) :], row}), ""]), encoding="utf-8")
    return versions


def derive(root: Path) -> None:
    """Write what follows from the capabilities. What cannot be derived yet says so itself."""
    for command in ("scripts/capabilities.py", "-m llmplatform.specs.schema", "scripts/reference.py"):
        subprocess.run([sys.executable, *command.split()], cwd=root, check=True)
    ruff = str(Path(sys.executable).with_name("ruff"))
    for step in ("check --fix --quiet --select I .", "format --quiet ."):
        subprocess.run([ruff, *step.split()], cwd=root, check=True)


def main() -> int:
    """Writes a capability into this checkout."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", help="as Python and the stack file spell it, e.g. gpu_metrics")
    parser.add_argument("--kind", required=True, choices=SECTIONS)
    parser.add_argument("--about", default="", help="one sentence: what it is for")
    parser.add_argument("--chart", help="address of its chart: repository and name, https:// or oci://")
    parser.add_argument("--version", help="version of the chart")
    asked = parser.parse_args()
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", asked.name) or keyword.iskeyword(asked.name):
        parser.error(f"name: '{asked.name}' names no module; write lower-case words with '_' between, no keyword")
    if bool(asked.chart) != bool(asked.version):
        parser.error("--chart and --version go together")
    about = asked.about or f"The {asked.kind} {asked.name.replace('_', ' ')}."
    wanted = Capability(name=asked.name, kind=asked.kind, about=about, chart=asked.chart, version=asked.version)
    try:
        changed = write(wanted, ROOT)
    except FileExistsError as error:
        parser.error(str(error))
    for path in changed:
        print(path.relative_to(ROOT))
    derive(ROOT)
    return 0


if __name__ == "__main__":
    sys.exit(main())
