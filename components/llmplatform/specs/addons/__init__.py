"""Settings of the software beneath the models."""

# Written by scripts/capabilities.py from the modules of this folder.
from llmplatform.specs.addons.cert_manager import (
    AckAcmeIssuer,
    AckCertManager,
    AckIssuer,
    AcmeIssuer,
    CertManager,
    ExistingIssuer,
    Issuer,
    SelfSignedIssuer,
)
from llmplatform.specs.addons.cluster_autoscaler import AckAutoscaler, Autoscaling, ClusterAutoscaler
from llmplatform.specs.addons.cnpg import Cnpg
from llmplatform.specs.addons.gateway import Gateway
from llmplatform.specs.addons.gpu_metrics import GpuMetrics
from llmplatform.specs.addons.gpu_operator import GpuOperator
from llmplatform.specs.addons.keda import Keda
from llmplatform.specs.addons.kserve import Kserve
from llmplatform.specs.addons.kuberay import Kuberay
from llmplatform.specs.addons.logs import Logs
from llmplatform.specs.addons.lws import Lws
from llmplatform.specs.addons.monitoring import Alerts, Budget, InsideReceiver, MailServer, Monitoring, Receiver

__all__ = [
    "AckAcmeIssuer",
    "AckAutoscaler",
    "AckCertManager",
    "AckIssuer",
    "AcmeIssuer",
    "Alerts",
    "Autoscaling",
    "Budget",
    "CertManager",
    "ClusterAutoscaler",
    "Cnpg",
    "ExistingIssuer",
    "Gateway",
    "GpuMetrics",
    "GpuOperator",
    "InsideReceiver",
    "Issuer",
    "Keda",
    "Kserve",
    "Kuberay",
    "Logs",
    "Lws",
    "MailServer",
    "Monitoring",
    "Receiver",
    "SelfSignedIssuer",
]
