"""What exporters tell of a platform on which all is well, with a node that has a GPU; and the rules about it."""

from llmplatform.planning.platform_rules import platform_rules
from support.plans import SPOT_FIRST, pool_plans
from support.rules import ENVIRONMENT, PAGES

GROUPS = platform_rules(
    pool_plans(gpu=SPOT_FIRST), ["autoscaler", "certificates"], environment=ENVIRONMENT, runbooks=PAGES
)
NODE = 'kube_node_labels{node="n1",label_llmplatform_dev_pool="gpu",label_eks_amazonaws_com_capacity_type="%s"}'
ON_ACK = 'kube_node_labels{node="n1",label_llmplatform_dev_pool="gpu",label_node_alibabacloud_com_spot_strategy="%s"}'
ANOTHER = NODE.replace("n1", "n2") % "SPOT"
READY = 'kube_node_status_condition{node="n1",condition="Ready",status="true"}'
GPUS = 'kube_node_status_allocatable{node="n1",resource="nvidia_com_gpu"}'
EXPIRES = 'certmanager_certificate_expiration_timestamp_seconds{exported_namespace="gateway",name="host"}'
ISSUED = 'certmanager_certificate_ready_status{exported_namespace="gateway",name="host",condition="True"}'
TEMPERATURE = 'DCGM_FI_DEV_GPU_TEMP{Hostname="n1",gpu="0"}'
CALM = {
    NODE % "SPOT": "1x480",
    READY: "1x480",
    GPUS: "1x480",
    TEMPERATURE: "60x480",
    'cluster_autoscaler_last_activity{activity="main"}': "1x480",
    "cluster_autoscaler_cluster_safe_to_autoscale": "1x480",
    EXPIRES: "2592000x480",
    ISSUED: "1x480",
}
GPU = {"Hostname": "n1", "gpu": "0"}
HOST = {"exported_namespace": "gateway", "name": "host"}
EVALUATED = 'namespace="models",model="chat",metric="accuracy"'


def waiting(name: str) -> str:
    """A pod of models that no node takes."""
    return f'kube_pod_status_unschedulable{{namespace="models",pod="{name}"}}'


def without(*names: str) -> dict[str, str]:
    """The series of a calm platform but for some."""
    return {name: values for name, values in CALM.items() if name not in names}
