"""Grafana's dashboards as code: one module a dashboard, built with Grafana's own library.

`python -m dashboards` writes them to `catalog/data/dashboards`, from where stacks install them without that library.
"""

from collections.abc import Callable, Mapping

from grafana_foundation_sdk.builders.dashboard import Dashboard

from dashboards import autoscaler, capacity, fleet, gpus, mlflow, model

BOARDS: Mapping[str, Callable[[], Dashboard]] = {
    "autoscaler": autoscaler.build,
    "capacity": capacity.build,
    "fleet": fleet.build,
    "gpus": gpus.build,
    "mlflow": mlflow.build,
    "model": model.build,
}
"""Every dashboard by its name, which is that of its module."""
