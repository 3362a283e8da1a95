"""Other addresses for charts, images and models."""

from typing import Annotated, Literal

from pydantic import Field

from llmplatform.catalog import models
from llmplatform.specs.section import Section
from llmplatform.specs.vocabulary.addresses import ChartAddress, HttpsUrl, RegistryHost, RegistryPrefix, RegistryUser
from llmplatform.specs.vocabulary.alicloud import AcrInstanceId

PULL_SECRET = "registry-login"  # noqa: S105 the name of an object
"""Secret with the registry login, in each namespace of the platform."""


class Login(Section):
    """Login to a private registry."""

    registry: RegistryHost
    """Registry that needs it, e.g. `registry.example.org`."""
    user: RegistryUser
    """User, ideally a robot account that may only pull. The password is `secrets.registry_password`."""


class Mirrors(Section):
    """Replaces public addresses. Empty: the public ones."""

    images: Annotated[dict[RegistryHost, RegistryPrefix], Field(max_length=50)] = Field(default_factory=dict)
    """Registry host (`docker.io`, `ghcr.io`, `nvcr.io` …) to its replacement. Nodes may pull from every ECR repository
    of their account but create none. With a pull-through cache, create the repositories first, or let the registry's
    permissions policy grant `ecr:CreateRepository` to the nodes' role (ECR user guide, "IAM permissions required to
    sync an upstream registry")."""
    charts: Annotated[dict[ChartAddress, ChartAddress], Field(max_length=50)] = Field(default_factory=dict)
    """Address of a chart repository, or its beginning, to its replacement."""
    huggingface: HttpsUrl | None = None
    """Endpoint to use in place of huggingface.co."""
    login: Login | None = None
    """Login to a private registry of images. Empty: nodes pull without one."""
    models: Literal["huggingface", "modelscope"] = "huggingface"
    """Hub of the weights. Models keep their Hugging Face ids here; their ModelScope ids follow from them."""

    def image(self, reference: str) -> str:
        """The reference with its registry replaced. A reference without a registry means docker.io."""
        first, _, rest = reference.partition("/")
        host = first if rest and ("." in first or ":" in first or first == "localhost") else "docker.io"
        path = rest if host == first else reference
        prefix = self.images.get(host)
        return f"{prefix}/{path}" if prefix else reference

    @property
    def pull_secrets(self) -> tuple[str, ...]:
        """Names of the image pull secrets in the platform's namespaces."""
        return (PULL_SECRET,) if self.login else ()

    def chart(self, address: str) -> str:
        """The chart address with the longest known beginning replaced."""
        known = [start for start in self.charts if address.startswith(start)]
        if not known:
            return address
        start = max(known, key=len)
        return self.charts[start] + address[len(start) :]

    def model(self, source: str) -> str:
        """Id of the model at the hub in use."""
        return (models.modelscope_id(source) or source) if self.models == "modelscope" else source


class AlicloudMirrors(Mirrors):
    """Replaces public addresses. Empty: the public ones."""

    acr: AcrInstanceId | None = None
    """Instance of Container Registry Enterprise Edition. ACK's credential helper lets nodes pull from it without a
    password. Empty: the registries need no login."""
    acr_link: Literal["new", "existing"] = "new"
    """Whether this stack links the network to the instance, or the link exists: an instance of the Economy edition
    takes one network. An existing network has its own link."""
