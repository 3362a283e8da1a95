"""Settings of a server of your own."""

from typing import Annotated, Literal

from pydantic import Field

from llmplatform.catalog.engine_metrics import EngineMetrics
from llmplatform.specs.engines.settings import EngineSettings, GpuUse
from llmplatform.specs.section import Section
from llmplatform.specs.vocabulary.addresses import HttpPath, ImageReference, PortNumber
from llmplatform.specs.vocabulary.names import VariableName, VariableValue

Words = Annotated[tuple[VariableValue, ...], Field(max_length=200)]


class OwnMetrics(Section):
    """Metrics of a server in Prometheus' format."""

    path: HttpPath = "/metrics"
    """Where Prometheus reads them."""
    port: PortNumber | None = None
    """Port of the metrics alone. Empty: that of the API."""
    names: EngineMetrics = EngineMetrics()
    """What the server calls the series that dashboards, alerts and autoscaling read. Without one of them they do
    without it."""


class Custom(EngineSettings):
    """A server of your own: any image that answers HTTP.

    Environment variables tell it `MODEL_NAME`, `SERVED_NAMES` (that one and `served_names`, with commas between them),
    `MODEL_PATH` (the folder of the weights), `CONTEXT_LENGTH` and `TRUST_REMOTE_CODE` if they are set, `PORT`, and
    `SHUTDOWN_SECONDS` (its time for answers after SIGTERM). `args` may name them: `$(MODEL_PATH)`. It may write to
    `HOME` and `/tmp`.
    """

    kind: Literal["custom"]
    image: ImageReference
    """Image of the server."""
    command: Words = ()
    """Command of the container. Empty: the image's ENTRYPOINT."""
    args: Words = ()
    """Arguments of the container, e.g. `--model=$(MODEL_PATH)`."""
    port: Annotated[int, Field(ge=1024, le=65535)] = 8000
    """Port of the API. Servers have no right to one below 1024."""
    health: HttpPath = "/health"
    """Path that answers 200 while the server works. It is asked at the start, and then always; a server that does not
    answer is started again."""
    ready: HttpPath | None = None
    """Path that answers 200 while the server takes requests. Empty: that of `health`."""
    metrics: OwnMetrics | None = None
    """Its metrics. Without them it is neither watched nor scaled by load, so an image without any needs
    `without_metrics`."""
    without_metrics: bool = False
    """Serve an image that has no metrics."""
    user: Annotated[int, Field(ge=1, le=2**31 - 1)] | None = None
    """Number of the user that the server runs as; root is not allowed. Empty: 1000."""
    group: Annotated[int, Field(ge=0, le=2**31 - 1)] | None = None
    """Number of its group. Empty: 1000."""
    home_gib: Annotated[int, Field(ge=1, le=1024)] = 10
    """Size of `HOME` on the node's disk, in GiB."""
    api_key_variable: VariableName | None = None
    """Environment variable in which the server expects the key that its clients send. Empty: it asks for none."""
    drains: bool = False
    """Whether the server finishes its answers after SIGTERM, within `SHUTDOWN_SECONDS`. If not, it gets the signal when
    the time for answers is over."""

    @property
    def gpu_use(self) -> GpuUse:
        """What it does with its GPUs is not known, but that its weights are on them."""
        return GpuUse(share=1, kv_bytes=0)

    @property
    def own_image(self) -> str | None:
        """The image of the settings."""
        return self.image

    @property
    def is_unwatched(self) -> bool:
        """Whether no metrics are configured."""
        return self.metrics is None and not self.without_metrics

    @property
    def contradicts_its_metrics(self) -> bool:
        """Whether its settings name metrics, and say that it has none."""
        return self.metrics is not None and self.without_metrics

    @property
    def key_variable(self) -> str | None:
        """Variable of the clients' key, where the settings name it."""
        return self.api_key_variable

    @property
    def own_metrics(self) -> EngineMetrics:
        """What its settings say of its metrics."""
        return self.metrics.names if self.metrics else EngineMetrics()
