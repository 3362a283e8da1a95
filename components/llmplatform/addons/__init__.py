"""Software that is installed in a cluster beneath the models."""

# Written by scripts/capabilities.py from the modules of this folder.
from llmplatform.addons import (
    cert_manager,
    cluster_autoscaler,
    cnpg,
    gateway,
    gpu_metrics,
    gpu_operator,
    keda,
    kserve,
    kuberay,
    lws,
    monitoring,
)
from llmplatform.addons.acme_webhook import AcmeWebhook, AcmeWebhookArgs
from llmplatform.addons.cert_manager import CertManager, CertManagerArgs
from llmplatform.addons.certificate import Certificate, CertificateArgs
from llmplatform.addons.cluster_autoscaler import ClusterAutoscaler, ClusterAutoscalerArgs
from llmplatform.addons.cnpg import Cnpg, CnpgArgs
from llmplatform.addons.dashboards import Dashboards, DashboardsArgs
from llmplatform.addons.gpu_metrics import GpuMetrics, GpuMetricsArgs
from llmplatform.addons.gpu_operator import GpuOperator, GpuOperatorArgs
from llmplatform.addons.keda import Keda, KedaArgs
from llmplatform.addons.kserve import Kserve, KserveArgs
from llmplatform.addons.kuberay import Kuberay, KuberayArgs
from llmplatform.addons.lws import Lws, LwsArgs
from llmplatform.addons.monitoring import Monitoring, MonitoringArgs
from llmplatform.addons.postgres import Postgres, PostgresArgs

__all__ = [
    "AcmeWebhook",
    "AcmeWebhookArgs",
    "CertManager",
    "CertManagerArgs",
    "Certificate",
    "CertificateArgs",
    "ClusterAutoscaler",
    "ClusterAutoscalerArgs",
    "Cnpg",
    "CnpgArgs",
    "Dashboards",
    "DashboardsArgs",
    "GpuMetrics",
    "GpuMetricsArgs",
    "GpuOperator",
    "GpuOperatorArgs",
    "Keda",
    "KedaArgs",
    "Kserve",
    "KserveArgs",
    "Kuberay",
    "KuberayArgs",
    "Lws",
    "LwsArgs",
    "Monitoring",
    "MonitoringArgs",
    "Postgres",
    "PostgresArgs",
    "cert_manager",
    "cluster_autoscaler",
    "cnpg",
    "gateway",
    "gpu_metrics",
    "gpu_operator",
    "keda",
    "kserve",
    "kuberay",
    "lws",
    "monitoring",
]
