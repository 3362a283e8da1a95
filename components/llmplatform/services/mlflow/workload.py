"""The servers of MLflow: a Deployment behind a Service, its disruption budget, and the monitor of its metrics."""

import pulumi
import pulumi_kubernetes as kubernetes

from llmplatform.services.mlflow import pods, server

core = kubernetes.core.v1
apps = kubernetes.apps.v1
meta = kubernetes.meta.v1


def deployment(
    name: str, metadata: meta.ObjectMetaArgs, pod: pods.PodArgs, opts: pulumi.ResourceOptions
) -> apps.Deployment:
    """The servers."""
    return apps.Deployment(
        f"{name}-deployment",
        metadata=metadata,
        spec=apps.DeploymentSpecArgs(
            replicas=pod.spec.replicas,
            selector=meta.LabelSelectorArgs(match_labels=pod.selector),
            # The old servers answer until the new ones do.
            strategy=apps.DeploymentStrategyArgs(
                type="RollingUpdate",
                rolling_update=apps.RollingUpdateDeploymentArgs(max_surge=1, max_unavailable=0),
            ),
            progress_deadline_seconds=900,
            revision_history_limit=3,
            template=pods.template(pod),
        ),
        opts=opts,
    )


def service(name: str, metadata: meta.ObjectMetaArgs, pod: pods.PodArgs, opts: pulumi.ResourceOptions) -> core.Service:
    """Their address."""
    return core.Service(
        f"{name}-service",
        metadata=metadata,
        spec=core.ServiceSpecArgs(
            type="ClusterIP",
            selector=pod.selector,
            ports=[core.ServicePortArgs(name="http", port=server.PORT, target_port="http", app_protocol="http")],
        ),
        opts=opts,
    )


def budget(
    name: str, metadata: meta.ObjectMetaArgs, pod: pods.PodArgs, opts: pulumi.ResourceOptions
) -> kubernetes.policy.v1.PodDisruptionBudget:
    """One of them at a time."""
    return kubernetes.policy.v1.PodDisruptionBudget(
        f"{name}-budget",
        metadata=metadata,
        spec=kubernetes.policy.v1.PodDisruptionBudgetSpecArgs(
            max_unavailable=1,
            selector=meta.LabelSelectorArgs(match_labels=pod.selector),
            unhealthy_pod_eviction_policy="AlwaysAllow",
        ),
        opts=opts,
    )


def monitor(
    name: str, metadata: meta.ObjectMetaArgs, pod: pods.PodArgs, opts: pulumi.ResourceOptions
) -> kubernetes.apiextensions.CustomResource:
    """Their metrics, which MLflow gives to administrators alone: no rule of its says what others may see there.

    Source: mlflow 3.17.2, server/auth/__init__.py, `_before_request`, and MLFLOW_BASIC_AUTH_FAIL_CLOSED.
    """
    login = {key: {"name": pod.admin, "key": key} for key in ("username", "password")}
    return kubernetes.apiextensions.CustomResource(
        f"{name}-monitor",
        api_version="monitoring.coreos.com/v1",
        kind="ServiceMonitor",
        metadata=metadata,
        spec={
            "selector": {"matchLabels": pod.selector},
            "endpoints": [{"port": "http", "path": "/metrics", "interval": "30s", "basicAuth": login}],
        },
        opts=opts,
    )
