"""What is installed in a cluster beneath the models."""

from llmplatform.addons.cert_manager import Certificate, CertificateArgs, CertManager, CertManagerArgs
from llmplatform.addons.cluster_autoscaler import ClusterAutoscaler, ClusterAutoscalerArgs
from llmplatform.addons.gpu_metrics import GpuMetrics, GpuMetricsArgs
from llmplatform.addons.gpu_operator import GpuOperator, GpuOperatorArgs
from llmplatform.addons.guardrails import INTERNAL
from llmplatform.addons.monitoring import Monitoring, MonitoringArgs
from llmplatform.addons.namespaces import Namespace, NamespaceArgs
from llmplatform.addons.spaces import namespaces

__all__ = [
    "INTERNAL",
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
    "Namespace",
    "NamespaceArgs",
    "namespaces",
]
