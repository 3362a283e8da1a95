"""The CRDs that ACK's add-ons install; they outlive the add-on.

They accept any content: the add-ons' own schemas are not published. Source: ACK user guide, collect container logs with
CRDs (loongcollector).
"""

from collections.abc import Mapping, Sequence

from llmplatform_sandbox.cloud.control_plane import ControlPlane
from llmplatform_sandbox.kube.client import Kube
from llmplatform_sandbox.kube.definitions import Definition, install, permissive

_PIPELINES = permissive(
    group="telemetry.alibabacloud.com",
    versions=("v1alpha1",),
    kind="ClusterAliyunPipelineConfig",
    plural="clusteraliyunpipelineconfigs",
    scope="Cluster",
)
_LOG_CONFIGS = permissive(
    group="log.alibabacloud.com",
    versions=("v1alpha1",),
    kind="AliyunLogConfig",
    plural="aliyunlogconfigs",
    scope="Namespaced",
)
DEFINITIONS: Mapping[str, Sequence[Definition]] = {
    "loongcollector": (_PIPELINES, _LOG_CONFIGS),
    "logtail-ds": (_PIPELINES, _LOG_CONFIGS),
}
"""Add-on → its CRDs."""


def bring(control_plane: ControlPlane, addons: Sequence[str]) -> None:
    """Create the CRDs of installed add-ons, and wait until they are served."""
    wanted = {one.name: one for addon in addons for one in DEFINITIONS.get(addon, ())}
    if not wanted or control_plane.on_paper:
        return
    kube = Kube(control_plane())
    try:
        install(kube, list(wanted.values()), upgrade=False)
    finally:
        kube.close()
