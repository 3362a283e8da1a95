"""Logs of model servers."""

from typing import Annotated, Literal

from pydantic import Field

from llmplatform.specs.section import Section


class Logs(Section):
    """Collects the model servers' logs into the cloud's log service."""

    enabled: bool = True
    collection: Literal["pipeline", "log_config"] = "pipeline"
    """CRD of the collection: `pipeline` is the maintained one (ClusterAliyunPipelineConfig), `log_config`
    (AliyunLogConfig) is for clusters that already have it."""
    retention_days: Annotated[int, Field(ge=1, le=3650)] = 30
    """Days that the logs are kept."""
