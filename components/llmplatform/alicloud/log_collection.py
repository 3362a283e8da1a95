"""Configures the cluster's log collector: the standard output of the model servers, line by line.

Makes one object in the cluster: `ClusterAliyunPipelineConfig`, or the older `AliyunLogConfig` if the cluster has only
that. The add-on loongcollector installs their CRDs (logtail-ds the older one, too). A JSON line is stored by its
fields, any other line as text.
Replacing it is safe: lines that are written meanwhile are read afterwards.
Source: "AliyunPipelineConfig parameters" (SLS documentation): one input and one flusher; the store is created here,
because the object's own list of stores takes effect only once. The machine group is the cluster's by default.
"""

from dataclasses import dataclass
from typing import Any, Literal

import pulumi
import pulumi_kubernetes as k8s

from llmplatform.base.component import PlatformComponent
from llmplatform.base.labels import labels
from llmplatform.base.ordering import after


@dataclass(frozen=True, kw_only=True)
class LogCollectionArgs:
    """Source and target of the logs. The component needs a Kubernetes provider."""

    kind: Literal["pipeline", "log_config"]
    namespace: pulumi.Input[str]
    """Namespace of the model servers."""
    project_name: pulumi.Input[str]
    store: pulumi.Input[str]
    region: str


class LogCollection(PlatformComponent):
    """The collection of one namespace's logs."""

    config_name: pulumi.Output[str]
    """Name of the configuration, in the cluster and in the log service."""

    def __init__(self, name: str, args: LogCollectionArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("llmplatform:alicloud:LogCollection", name, opts)
        self._prefix, self._args = name, args
        made = self._pipeline() if args.kind == "pipeline" else self._log_config()
        self.config_name = after(f"{name}-stdout", made)
        self.finish()

    def _pipeline(self) -> k8s.apiextensions.CustomResource:
        args = self._args
        return self._object(
            "telemetry.alibabacloud.com/v1alpha1",
            "ClusterAliyunPipelineConfig",
            {
                "project": {"name": args.project_name},
                "config": {
                    "inputs": [
                        {
                            "Type": "input_container_stdio",
                            "CollectingContainersMeta": True,
                            "IgnoringStdout": False,
                            "IgnoringStderr": False,
                            "ContainerFilters": {"K8sNamespaceRegex": _exactly(args.namespace)},
                        }
                    ],
                    "processors": [
                        {
                            "Type": "processor_parse_json_native",
                            "SourceKey": "content",
                            "KeepingSourceWhenParseFail": True,
                        }
                    ],
                    "flushers": [{"Type": "flusher_sls", "Logstore": args.store, "Region": args.region}],
                },
            },
        )

    def _log_config(self) -> k8s.apiextensions.CustomResource:
        args = self._args
        return self._object(
            "log.alibabacloud.com/v1alpha1",
            "AliyunLogConfig",
            {
                "project": args.project_name,
                "logstore": args.store,
                "logtailConfig": {
                    "inputType": "plugin",
                    "configName": f"{self._prefix}-stdout",
                    "inputDetail": {
                        "plugin": {
                            "inputs": [
                                {
                                    "type": "service_docker_stdout",
                                    "detail": {
                                        "Stdout": True,
                                        "Stderr": True,
                                        "K8sNamespaceRegex": _exactly(args.namespace),
                                    },
                                }
                            ],
                            "processors": [
                                {
                                    "type": "processor_json",
                                    "detail": {
                                        "SourceKey": "content",
                                        "KeepSource": False,
                                        "KeepSourceIfParseError": True,
                                    },
                                }
                            ],
                        }
                    },
                },
            },
            namespace="kube-system",
        )

    def _object(
        self, api_version: str, kind: str, spec: dict[str, Any], *, namespace: str | None = None
    ) -> k8s.apiextensions.CustomResource:
        return k8s.apiextensions.CustomResource(
            f"{self._prefix}-stdout",
            api_version=api_version,
            kind=kind,
            metadata=k8s.meta.v1.ObjectMetaArgs(
                name=f"{self._prefix}-stdout", namespace=namespace, labels=labels("log-collection")
            ),
            spec=spec,
            opts=self.child(),
        )


def _exactly(namespace: pulumi.Input[str]) -> pulumi.Output[str]:
    return pulumi.Output.from_input(namespace).apply(lambda known: f"^({known})$")
