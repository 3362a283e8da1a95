"""Sites that capabilities are installed on in tests, and every program that their test modules offer.

A test module of a capability, tests/unit/{addons,services,jobs}/test_<name>.py, has `VARIANTS`: name to a program that
installs it some way. The contract tests hold them all to the same rules.
"""

import importlib.util
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cache, partial
from itertools import product
from pathlib import Path
from typing import Any

import pulumi

from llmplatform import specs
from llmplatform.base.site import MONITORS, Site
from llmplatform.catalog.versions import IMAGE_REGISTRIES
from llmplatform.specs.mirrors import Login, Mirrors
from support.plans import SPOT_FIRST, environment, pool_plans

Program = Callable[[], object]
KINDS = ("addons", "services", "jobs")
UNIT = Path(__file__).parents[1] / "unit"
CHARTS_DIR = "../.charts"
MIRRORED = Mirrors(
    images={host: f"registry.example.org/{host}" for host in IMAGE_REGISTRIES},
    login=Login(registry="registry.example.org", user="robot$pull"),
)
PASSWORD = "registry-password"


@dataclass(frozen=True, kw_only=True)
class Identity:
    """An identity as a cloud's component promises it."""

    namespace: pulumi.Output[str]
    service_account: pulumi.Output[str]
    annotations: dict[str, pulumi.Output[str]]
    namespace_labels: dict[str, str]
    role_name: pulumi.Output[str] = field(default_factory=lambda: pulumi.Output.from_input("test-role"))
    credentials: tuple[str, int] | None = None


def site(*, monitored: bool = True, **changes: Any) -> Site:
    """A cluster with a pool that tries spot machines first, whose CRDs of monitors are there already."""
    usual = {
        "charts_dir": CHARTS_DIR,
        "environment": environment(),
        "pools": pool_plans(gpu=SPOT_FIRST),
        "secrets": {"registry_password": PASSWORD},
        "scraper": "monitoring" if monitored else None,
        "crds": {MONITORS: None} if monitored else {},
    }
    return Site(**{**usual, **changes})


def with_site(changes: Mapping[str, Any]) -> tuple[Site, dict[str, Any]]:
    """The site that changes are of, and the changes that are left for the component's own arguments."""
    of_site = {"monitored", *(field.name for field in fields(Site))}
    here = site(**{name: value for name, value in changes.items() if name in of_site})
    return here, {name: value for name, value in changes.items() if name not in of_site}


def on_sites(
    name: str, program: Callable[..., object], *, monitored: Sequence[bool] = (True, False)
) -> dict[str, Program]:
    """A program on sites with and without a Prometheus and mirrors; it takes what `site` takes."""
    return {
        f"{name}, {'monitored' if scraped else 'unmonitored'}, {'mirrored' if mirrors.images else 'public'}": partial(
            program, monitored=scraped, mirrors=mirrors
        )
        for scraped, mirrors in product(monitored, (Mirrors(), MIRRORED))
    }


@cache
def variants() -> Mapping[str, Program]:
    """The programs of all test modules of capabilities. Raises ValueError for a name that two have."""
    found: dict[str, Program] = {}
    settings = Path(specs.__file__).parent
    paths = [
        UNIT / kind / f"test_{module.stem}.py" for kind in KINDS for module in sorted((settings / kind).glob("*.py"))
    ]
    for path in filter(Path.exists, paths):
        for name, program in getattr(_module(path), "VARIANTS", {}).items():
            if name in found:
                raise ValueError(f"{path.name}: another module has a variant '{name}'")
            found[name] = program
    return found


def _module(path: Path) -> object:
    spec = importlib.util.spec_from_file_location(f"variants_of_{path.stem}", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
