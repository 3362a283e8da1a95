"""Faults of a valid stack file that only an account would show: example values, ending support, old drivers.

Sources: RFC 2606 (reserved example names; authorities refuse contacts there); NVIDIA's table of toolkits and drivers.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from llmplatform.catalog import versions
from llmplatform.checks.rules import warnings
from llmplatform.checks.rules.clusters import kubernetes_is_supported
from llmplatform.doctor.checks import Ask, Check, Finding, green, red, yellow
from llmplatform.doctor.wanted import Wanted
from llmplatform.planning.models import ModelPlan

EXAMPLES = (
    "111122223333",
    "444455556666",
    "1111222233334444",
    "5555666677778888",
    "301234567890123456",
    "309876543210987654",
    "Z0123456789ABCDEFGHIJ",
    "cri-abcdefgh12345678",
    "kst-hzz0000000000000example",
    "acme-registry",
    "v1:replace:this",
)
"""Example values in the committed stack files, which a user replaces."""
_NOBODYS = re.compile(r"(^|[.@/])example\.(com|org|net|cn)($|[/:])|\.(test|invalid|example)($|[/:])")


def placeholders(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Path and value of each setting that still has an example value."""
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield from placeholders(each, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list | tuple):
        for each in value:
            yield from placeholders(each, path)
    elif isinstance(value, str) and (_NOBODYS.search(value) or any(each in value for each in EXAMPLES)):
        yield path, value


def _examples(wanted: Wanted, ask: Ask) -> Iterator[Finding]:
    found: dict[str, list[str]] = {}
    for path, value in placeholders(wanted.stack.model_dump(mode="json")):
        found.setdefault(path, []).append("(encrypted)" if path.startswith("secrets.") else value)
    if found:
        shown = "; ".join(f"{path}: {', '.join(values)}" for path, values in found.items())
        yield red(f"values of an example, which no account has: {shown}", "write your own into the stack file")
    else:
        yield green("no value of an example")


def _support(wanted: Wanted, ask: Ask) -> Iterator[Finding]:
    ended = [*kubernetes_is_supported(wanted.stack)]
    told = warnings(wanted.stack)
    for warning in told:
        level = red if warning in ended else yellow
        yield level(f"{warning.path}: {warning.fault}", warning.remedy)
    if not told:
        yield green("nothing that runs out soon")


def driver_findings(models: Sequence[ModelPlan], node_driver: int = versions.EKS_NODE_DRIVER) -> Iterator[Finding]:
    """Whether the driver of each model's nodes supports its engine. `node_driver`: in the images of EKS."""
    for model in models:
        engine = model.spec.engine_release
        if engine is None or model.pool.gpu is None:
            continue
        driver = model.pool.driver or str(node_driver)
        said = f"model {model.name}: {model.spec.engine.kind} {engine.version} needs driver {engine.driver}"
        if int(driver.partition(".")[0]) < engine.driver:
            yield red(
                f"{said}, and the nodes of pool {model.pool.name} have {driver}",
                "use an older engine (engine.version), or a newer driver where the pool has one (driver)",
            )
        elif model.pool.driver and model.pool.driver not in versions.ACK_DRIVERS:
            yield yellow(
                f"{said}; whether ACK has driver {driver} is not known, and for one that it does not have it silently "
                f"installs {versions.ACK_DEFAULT_DRIVER}",
                "look at ACK's list of drivers, and at `nvidia-smi` on the first node",
            )
        else:
            yield green(f"{said}; the nodes have {driver}")


def _drivers(wanted: Wanted, ask: Ask) -> Iterator[Finding]:
    yield from driver_findings(wanted.models)
    if not wanted.models:
        yield green("no models")


CHECKS = (
    Check(
        name="examples",
        title="values that stand for your own",
        finds="an account, a registry or a zone that does not exist",
        run=_examples,
    ),
    Check(
        name="support",
        title="what has run out, and what will be trouble",
        finds="a version that the cloud makes no clusters of, or raises by itself",
        run=_support,
    ),
    Check(
        name="drivers",
        title="engines against the drivers of the nodes",
        finds="model servers end at their start, on paid GPUs",
        run=_drivers,
    ),
)
