"""Files of an engine, such as a chat template, in a ConfigMap."""

from collections.abc import Mapping

import pulumi
import pulumi_kubernetes as kubernetes

from llmplatform.base.ordering import after
from llmplatform.planning.hydration import fingerprint


def config_map(
    logical: str,
    described: kubernetes.meta.v1.ObjectMetaArgs,
    files: Mapping[str, str],
    opts: pulumi.ResourceOptions,
) -> pulumi.Output[str] | None:
    """The name of the ConfigMap of these files; None without any.

    `logical`: name of the server in the state. `described`: metadata, whose name gets a mark of the files: other files
    are another object, so that pods of the previous one that start again read what they read before.
    """
    if not files:
        return None
    name = f"{described.name}-{fingerprint(dict(files))}"
    described.name = name
    found = kubernetes.core.v1.ConfigMap(f"{logical}-files", metadata=described, data=files, opts=opts)
    return after(name, found)
