"""The capabilities that a stack installs into its cluster, and their namespaces."""

from collections.abc import Iterator

from llmplatform.planning.pools import PoolPlan
from llmplatform.specs.capabilities import capabilities
from llmplatform.specs.capability import Capability
from llmplatform.specs.section import Section
from llmplatform.specs.stack import Stack

_SECTIONS = ("addons", "services", "jobs")


def plan_capabilities(stack: Stack, pools: tuple[PoolPlan, ...]) -> tuple[Section, ...]:
    """Settings of enabled and applicable capabilities; empty on another stack's platform.

    Existing ones are included, because others depend on them. A section without a switch is always included.
    """
    if stack.platform.kind != "new":
        return ()
    with_gpus = any(pool.gpu for pool in pools)
    return tuple(
        found
        for section in _SECTIONS
        for found in _settings(getattr(stack, section))
        if not isinstance(found, Capability) or (found.enabled and (with_gpus or not found.needs_gpus))
    )


def _settings(section: Section) -> Iterator[Section]:
    for name in type(section).model_fields:
        yield getattr(section, name)


def namespaces(stack: Stack) -> tuple[str, ...]:
    """Namespaces of the models and of the capabilities, sorted."""
    made = {name for _, settings in _all(stack) for name in settings.made_namespaces}
    return tuple(sorted({stack.platform.models_namespace, *made}))


def charted(stack: Stack) -> Iterator[tuple[str, Capability]]:
    """Path and settings of every capability with charts; none on another stack's platform."""
    return ((path, settings) for path, settings in _all(stack) if settings.charts)


def _all(stack: Stack) -> Iterator[tuple[str, Capability]]:
    """Path and settings of every capability; none on another stack's platform."""
    if stack.platform.kind != "new":
        return
    for section in _SECTIONS:
        group: Section = getattr(stack, section)
        for name, _ in capabilities(type(group)):
            yield f"{section}.{name}", getattr(group, name)
