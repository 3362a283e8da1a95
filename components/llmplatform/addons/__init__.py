"""What is installed in a cluster beneath the models."""

from llmplatform.addons.cert_manager import CertManager, CertManagerArgs
from llmplatform.addons.certificate import Certificate, CertificateArgs
from llmplatform.addons.cluster_autoscaler import ClusterAutoscaler, ClusterAutoscalerArgs
from llmplatform.addons.gpu_metrics import GpuMetrics, GpuMetricsArgs
from llmplatform.addons.gpu_operator import GpuOperator, GpuOperatorArgs
from llmplatform.addons.monitoring import Monitoring, MonitoringArgs
from llmplatform.addons.spaces import namespaces

__all__ = [
    "CertManager",
    "CertManagerArgs",
    "Certificate",
    "CertificateArgs",
    "ClusterAutoscaler",
    "ClusterAutoscalerArgs",
    "GpuMetrics",
    "GpuMetricsArgs",
    "GpuOperator",
    "GpuOperatorArgs",
    "Monitoring",
    "MonitoringArgs",
    "namespaces",
]
