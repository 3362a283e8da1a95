"""MLflow: experiments, registry and artefacts, its users and its dumps."""

from llmplatform.services.mlflow.component import Mlflow, MlflowArgs, install

__all__ = ["Mlflow", "MlflowArgs", "install"]
