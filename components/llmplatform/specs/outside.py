"""How what runs here reaches the world outside, where that is neither open nor trusted as usual."""

from typing import Annotated

from pydantic import Field

from llmplatform.specs.section import Section
from llmplatform.specs.vocabulary.addresses import CertificateBundle, ProxyUrl, Unproxied


class Outside(Section):
    """A proxy, and certificates of your own. Empty: an open way, and the authorities that everybody trusts."""

    proxy: ProxyUrl | None = None
    """Proxy that downloads of weights go through, e.g. `http://proxy.example.org:3128`. One that asks for a password is
    not supported."""
    no_proxy: Annotated[tuple[Unproxied, ...], Field(max_length=50)] = ()
    """Hosts, domains (`.example.org`) and ranges that the proxy is not asked for, beside the network, the cluster's own
    names and ranges, and the cloud's metadata."""
    certificates: CertificateBundle | None = None
    """Certificates (PEM) of authorities of your own, such as that of a proxy which opens connections. Downloads trust
    them beside the usual ones, servers with `egress` in their place."""


class AwsOutside(Outside):
    """A proxy, and certificates of your own. Empty: an open way, and the authorities that everybody trusts."""

    nodes: bool = False
    """Nodes pull images through the proxy and trust the certificates, too. A change, here and of what is above, renews
    the nodes."""
