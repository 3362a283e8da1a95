"""MLflow as its component registers it, on a bucket of AWS and on a volume."""

from typing import Any

import pulumi

from llmplatform.services import Mlflow, MlflowArgs
from llmplatform.specs.objects import NewStore
from llmplatform.specs.services import Mlflow as Spec
from llmplatform.specs.services import MlflowPostgres
from llmplatform.testing import RecordingEngine
from support.conformance.buckets import BUCKETS
from support.sites import Identity, with_site

PASSWORD = "the-databases-password"
DATABASE = MlflowPostgres(kind="existing", host="pg.example.org")
AGENT = ("169.254.170.23/32", 80)


def spec(**changes: Any) -> Spec:
    """Its settings."""
    return Spec.model_validate({"enabled": True, "database": DATABASE.model_dump(), **changes})


def identity(name: str = "mlflow") -> Identity:
    """With credentials from the agent of EKS."""
    return Identity(
        namespace=pulumi.Output.from_input("mlflow"),
        service_account=pulumi.Output.from_input(name),
        annotations={},
        namespace_labels={},
        credentials=AGENT,
    )


def installed(**changes: Any) -> Mlflow:
    """On a bucket of AWS."""
    here, changes = with_site(changes)
    store = BUCKETS[0].make(NewStore(kind="new"), "none")
    usual = {
        "spec": spec(),
        "database_password": PASSWORD,
        "store": store,
        "identity": identity(),
        "keeper": identity("mlflow-dumps"),
    }
    return Mlflow("mlflow", MlflowArgs(site=here, **{**usual, **changes}))


def on_a_volume(**changes: Any) -> Mlflow:
    """On a volume."""
    wanted = spec(artifacts={"kind": "volume"})
    return installed(**{"spec": wanted, "store": None, "identity": None, "keeper": None, **changes})


def made(**changes: Any) -> RecordingEngine:
    """What it registers on a bucket."""
    return RecordingEngine().run(lambda: installed(**changes))
