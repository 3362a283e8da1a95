"""Files of an engine, such as a chat template, in a ConfigMap."""

from collections.abc import Mapping

import pulumi
import pulumi_kubernetes as kubernetes

from llmplatform.base.ordering import after


def config_map(
    logical: str,
    model: str,
    described: kubernetes.meta.v1.ObjectMetaArgs,
    files: Mapping[str, str],
    opts: pulumi.ResourceOptions,
) -> pulumi.Output[str] | None:
    """The name of the ConfigMap of these files; None without any.

    `logical`: name of the server in the state. `described`: metadata, named after the model.
    """
    if not files:
        return None
    found = kubernetes.core.v1.ConfigMap(f"{logical}-files", metadata=described, data=files, opts=opts)
    return after(f"{model}-files", found)
