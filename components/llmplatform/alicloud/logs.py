"""The log project of an environment, with a store for the model servers.

Makes: the project, the store `models` with its retention and index. ACK adds stores for the control plane and the audit
log, which are deleted with the project.
Does not: the collection within the cluster (`LogCollection`).
Replacing the project loses all its logs, and its name stays blocked for days, so it carries a random suffix.
Source: terraform-provider-alicloud 2.0, alicloud_log_project, alicloud_log_store, alicloud_log_store_index.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_alicloud as alicloud

from llmplatform.base.component import PlatformComponent
from llmplatform.base.naming import unique
from llmplatform.base.ordering import after
from llmplatform.specs.environment import Environment

MODELS_STORE = "models"

FIELDS: Mapping[str, str] = {
    "levelname": "text",
    "name": "text",
    "message": "text",
    "_namespace_": "text",
    "_pod_name_": "text",
    "_container_name_": "text",
}
"""Searchable fields with their types: those of a JSON log line, and those that the collector adds about its
container."""

_WORD_BREAKS = ", '\";=()[]{}?@&<>/:\n\t\r"


@dataclass(frozen=True, kw_only=True)
class LogsArgs:
    """Inputs of the log project. The component needs an Alibaba Cloud and a random provider."""

    environment: Environment
    retention_days: int
    """Days that the model servers' logs are kept."""
    tags: Mapping[str, str]


class Logs(PlatformComponent):
    """The log project of an environment."""

    project_name: pulumi.Output[str]
    """Name of the project."""
    models_store: pulumi.Output[str]
    """Store of the model servers' logs. Depends on its index."""

    def __init__(self, name: str, args: LogsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("llmplatform:alicloud:Logs", name, opts)
        self._prefix, self._args = name, args
        project = self._project()
        store = self._store(project)
        index = self._index(project, store)
        self.project_name = project.project_name
        self.models_store = after(store.logstore_name, index)
        self.finish()

    def _project(self) -> alicloud.log.Project:
        environment = self._args.environment.name
        return alicloud.log.Project(
            f"{self._prefix}-project",
            project_name=unique(f"{self._prefix}-project", f"{environment}-{self._prefix}", self.child()),
            description=f"Logs of {environment}",
            tags=self._args.tags,
            opts=self.child(protect=self._args.environment.protected),
        )

    def _store(self, project: alicloud.log.Project) -> alicloud.log.Store:
        return alicloud.log.Store(
            f"{self._prefix}-models",
            project_name=project.project_name,
            logstore_name=MODELS_STORE,
            retention_period=self._args.retention_days,
            shard_count=2,
            auto_split=True,
            max_split_shard_count=64,
            opts=self.child(),
        )

    def _index(self, project: alicloud.log.Project, store: alicloud.log.Store) -> alicloud.log.StoreIndex:
        return alicloud.log.StoreIndex(
            f"{self._prefix}-models",
            project=project.project_name,
            logstore=store.logstore_name,
            full_text=alicloud.log.StoreIndexFullTextArgs(
                case_sensitive=False, include_chinese=True, token=_WORD_BREAKS
            ),
            field_searches=[
                alicloud.log.StoreIndexFieldSearchArgs(
                    name=field, type=kind, enable_analytics=True, include_chinese=True, token=_WORD_BREAKS
                )
                for field, kind in FIELDS.items()
            ],
            opts=self.child(),
        )
