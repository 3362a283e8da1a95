"""Rules about the proxy and private certificates."""

from collections.abc import Iterator

from llmplatform.checks.problems import Problem
from llmplatform.checks.rules.rule import whole
from llmplatform.specs.stack import AwsStack, Stack

LONGEST_ON_NODES = 10_000
"""Characters of certificates. EC2 limits user data to 16 KiB (EC2 user guide, "Instance user data"): base64 on
Bottlerocket, and the rest of a node's first boot is in it, too."""


def exceptions_are_from_a_proxy(stack: Stack) -> Iterator[Problem]:
    """Exceptions need a proxy, and are listed once."""
    wanted = stack.outside
    if wanted.no_proxy and wanted.proxy is None:
        yield Problem("outside.no_proxy", "there is no proxy", "write outside.proxy, or remove it")
    for index, each in enumerate(wanted.no_proxy):
        if each in wanted.no_proxy[:index]:
            yield Problem(f"outside.no_proxy[{index}]", f"'{each}' is there already", "remove one")


def nodes_have_a_way_to_take(stack: Stack) -> Iterator[Problem]:
    """`nodes` needs a proxy or certificates, which fit into the nodes' user data."""
    if not isinstance(stack, AwsStack) or not stack.outside.nodes:
        return
    certificates = stack.outside.certificates
    if stack.outside.proxy is None and certificates is None:
        yield Problem("outside.nodes", "there is nothing to tell them", "write outside.proxy or certificates, or false")
    if certificates and len(certificates) > LONGEST_ON_NODES:
        yield Problem(
            "outside.certificates",
            f"{len(certificates)} characters are too many for nodes, whose user data EC2 limits to 16 KiB",
            f"write at most {LONGEST_ON_NODES}: roots alone, without text between; or set outside.nodes to false",
        )


PROBLEMS = whole(exceptions_are_from_a_proxy, nodes_have_a_way_to_take)
