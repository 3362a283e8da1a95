"""A password, a namespace, a Secret made of both secrets and a ConfigMap in the sandbox's own cluster."""

import os

import pulumi
import pulumi_kubernetes as kubernetes
import pulumi_random as random
from names import NAMESPACE

config = pulumi.Config()
anywhere = pulumi.ResourceOptions(provider=random.Provider("random"))
cluster = kubernetes.Provider("cluster", kubeconfig=os.environ.get("KUBECONFIG", ""), cluster_identifier="sandbox")
inside = pulumi.ResourceOptions(provider=cluster)

password = random.RandomPassword("password", length=24, opts=anywhere)
namespace = kubernetes.core.v1.Namespace(
    "namespace", metadata=kubernetes.meta.v1.ObjectMetaArgs(name=NAMESPACE), opts=inside
)
kubernetes.core.v1.Secret(
    "credentials",
    metadata=kubernetes.meta.v1.ObjectMetaArgs(name="credentials", namespace=namespace.metadata.name),
    string_data={"password": password.result, "token": config.require_secret("token")},
    opts=inside,
)
kubernetes.core.v1.ConfigMap(
    "settings",
    metadata=kubernetes.meta.v1.ObjectMetaArgs(name="settings", namespace=namespace.metadata.name),
    data={"replicas": config.require("replicas")},
    # The end of a sandbox is not held up by what a real environment protects.
    opts=pulumi.ResourceOptions(provider=cluster, protect=True),
)
pulumi.export("namespace", namespace.metadata.name)
pulumi.export("password", password.result)
