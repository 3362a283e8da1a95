"""Where charts, images and models come from when not from their public homes."""

from pydantic import Field

from llmplatform.specs.section import Section
from llmplatform.specs.vocabulary import ChartAddress, HttpsUrl, RegistryHost, RegistryPrefix


class Mirrors(Section):
    """Rewrites every outside address. Empty: the public ones."""

    images: dict[RegistryHost, RegistryPrefix] = Field(default_factory=dict)
    """Registry host (`docker.io`, `ghcr.io`, `nvcr.io` …) to the prefix that stands in for it."""
    charts: dict[ChartAddress, ChartAddress] = Field(default_factory=dict)
    """Chart repository address, or its beginning, to the address that stands in for it."""
    huggingface: HttpsUrl | None = None
    """Endpoint that stands in for huggingface.co."""

    def image(self, reference: str) -> str:
        """The reference with its registry replaced. A reference without a registry means docker.io."""
        first, _, rest = reference.partition("/")
        host = first if rest and ("." in first or ":" in first or first == "localhost") else "docker.io"
        path = rest if host == first else reference
        prefix = self.images.get(host)
        return f"{prefix}/{path}" if prefix else reference

    def chart(self, address: str) -> str:
        """The chart address with the longest known beginning replaced."""
        known = [start for start in self.charts if address.startswith(start)]
        if not known:
            return address
        start = max(known, key=len)
        return self.charts[start] + address[len(start) :]
