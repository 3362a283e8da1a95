"""Logs of model servers."""

from typing import Annotated, Literal

from pydantic import Field

from llmplatform.specs.section import Section


class Logs(Section):
    """Collects the model servers' logs into the cloud's log service."""

    enabled: bool = True
    collection: Literal["pipeline", "log_config"] = "pipeline"
    """`pipeline` is the maintained kind (ClusterAliyunPipelineConfig); `log_config` (AliyunLogConfig) is for clusters
    that have it already."""
    retention_days: Annotated[int, Field(ge=1, le=3650)] = 30
    """How long the logs stay."""
