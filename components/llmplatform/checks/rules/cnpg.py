"""Rules about Postgres within the cluster."""

from collections.abc import Iterator

from llmplatform.checks.problems import Problem
from llmplatform.checks.rules.rule import whole
from llmplatform.specs.stack import Stack


def plugin_has_certificates(stack: Stack) -> Iterator[Problem]:
    """The operator and its plugin prove themselves to each other by certificates of cert-manager."""
    cnpg = stack.addons.cnpg
    if stack.platform.kind == "new" and cnpg.enabled and cnpg.barman_cloud and not stack.addons.cert_manager.enabled:
        yield Problem(
            "addons.cnpg.barman_cloud",
            "its certificates come from cert-manager, and addons.cert_manager is off",
            "set addons.cert_manager.enabled to true, or this to false",
        )


PROBLEMS = whole(plugin_has_certificates)
