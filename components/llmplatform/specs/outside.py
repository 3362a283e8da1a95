"""Access to the internet through a proxy, with certificates of a private authority."""

from typing import Annotated

from pydantic import Field

from llmplatform.specs.section import Section
from llmplatform.specs.vocabulary.addresses import CertificateBundle, ProxyUrl, Unproxied


class Outside(Section):
    """A proxy, and certificates of private authorities. Empty: direct access, and the public authorities."""

    proxy: ProxyUrl | None = None
    """Proxy for downloads of weights, e.g. `http://proxy.example.org:3128`. A proxy with a password is not
    supported."""
    no_proxy: Annotated[tuple[Unproxied, ...], Field(max_length=50)] = ()
    """Hosts, domains (`.example.org`) and ranges to reach without the proxy. The network, the cluster's names and
    ranges, and the cloud's metadata are always among them."""
    certificates: CertificateBundle | None = None
    """Certificates (PEM) of private authorities, such as that of an intercepting proxy. Downloads trust them and the
    public ones; servers with `egress` trust only them."""


class AwsOutside(Outside):
    """A proxy, and certificates of private authorities. Empty: direct access, and the public authorities."""

    nodes: bool = False
    """Let nodes pull images through the proxy and trust the certificates. A change of any setting of this section
    renews the nodes."""
