"""The name that clients call."""

from llmplatform.specs.section import Section
from llmplatform.specs.vocabulary.addresses import Host


class Gateway(Section):
    """The name that clients call."""

    host: Host | None = None
    """Host of the gateway; a certificate is issued for it. Empty: none."""
