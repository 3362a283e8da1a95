"""The host for clients."""

from llmplatform.specs.section import Section
from llmplatform.specs.vocabulary.addresses import Host


class Gateway(Section):
    """The host for clients."""

    host: Host | None = None
    """Host of the gateway, which gets a certificate. Empty: none."""
