"""Where charts, images and models come from when not from their public homes."""

from typing import Annotated, Literal

from pydantic import Field

from llmplatform.catalog import models
from llmplatform.specs.section import Section
from llmplatform.specs.vocabulary.addresses import ChartAddress, HttpsUrl, RegistryHost, RegistryPrefix, RegistryUser
from llmplatform.specs.vocabulary.alicloud import AcrInstanceId

PULL_SECRET = "registry-login"  # noqa: S105 the name of an object
"""Secret in each of our namespaces that pods pull images with, where there is a login."""


class Login(Section):
    """Who pulls from a private registry."""

    registry: RegistryHost
    """Registry that asks for it, e.g. `registry.example.org`."""
    user: RegistryUser
    """Its user, best a robot that may pull alone. The password is `secrets.registry_password`."""


class Mirrors(Section):
    """Rewrites every outside address. Empty: the public ones."""

    images: Annotated[dict[RegistryHost, RegistryPrefix], Field(max_length=50)] = Field(default_factory=dict)
    """Registry host (`docker.io`, `ghcr.io`, `nvcr.io` …) to the prefix that stands in for it. Nodes may pull from
    every ECR repository of their account, and make none: with a pull-through cache the repositories are there already,
    or the registry's permissions policy grants the nodes' role `ecr:CreateRepository` (ECR user guide, "IAM permissions
    required to sync an upstream registry")."""
    charts: Annotated[dict[ChartAddress, ChartAddress], Field(max_length=50)] = Field(default_factory=dict)
    """Chart repository address, or its beginning, to the address that stands in for it."""
    huggingface: HttpsUrl | None = None
    """Endpoint that stands in for huggingface.co."""
    login: Login | None = None
    """Login to a private registry that images come from. Empty: the registries are open to the nodes."""
    models: Literal["huggingface", "modelscope"] = "huggingface"
    """Hub that weights come from. Models keep their Hugging Face ids here; those of ModelScope follow from them."""

    def image(self, reference: str) -> str:
        """The reference with its registry replaced. A reference without a registry means docker.io."""
        first, _, rest = reference.partition("/")
        host = first if rest and ("." in first or ":" in first or first == "localhost") else "docker.io"
        path = rest if host == first else reference
        prefix = self.images.get(host)
        return f"{prefix}/{path}" if prefix else reference

    @property
    def pull_secrets(self) -> tuple[str, ...]:
        """Names of the Secrets that pods in our namespaces pull with."""
        return (PULL_SECRET,) if self.login else ()

    def chart(self, address: str) -> str:
        """The chart address with the longest known beginning replaced."""
        known = [start for start in self.charts if address.startswith(start)]
        if not known:
            return address
        start = max(known, key=len)
        return self.charts[start] + address[len(start) :]

    def model(self, source: str) -> str:
        """The model's id at the hub that its weights come from."""
        return (models.modelscope_id(source) or source) if self.models == "modelscope" else source


class AlicloudMirrors(Mirrors):
    """Rewrites every outside address. Empty: the public ones."""

    acr: AcrInstanceId | None = None
    """Instance of Container Registry Enterprise Edition that nodes pull from without a password, as ACK's credential
    helper sees to. Empty: the registries are open to the nodes."""
    acr_link: Literal["new", "existing"] = "new"
    """Whether the network is linked to the instance here, or is already: an instance of the Economy edition takes one
    network. A network that exists has a link of its own."""
