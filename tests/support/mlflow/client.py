"""A team's program, run in MLflow's environment: `write` a model, `read` it, or `delete` what it makes for that.

It prints what it saw as JSON.
"""

import hashlib
import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import mlflow
from mlflow import MlflowClient


class Doubles(mlflow.pyfunc.PythonModel):
    """A model that can be told from another."""

    def predict(self, context: object, model_input: list[int]) -> list[int]:
        """Twice the input."""
        return [2 * number for number in model_input]


def write() -> None:
    """Log a model with an artifact, register it, and point an alias to it."""
    mlflow.set_experiment("doubling")
    with mlflow.start_run():
        mlflow.log_param("factor", 2)
        mlflow.log_text("what was learned\n" * 1000, "notes.txt")
        logged = mlflow.pyfunc.log_model(name="model", python_model=Doubles(), pip_requirements=[])
    version = mlflow.register_model(logged.model_uri, "doubles").version
    MlflowClient().set_registered_model_alias("doubles", "champion", version)


def read() -> dict[str, object]:
    """What the alias points to: the digests of its files, and an answer of the model."""
    found = MlflowClient().get_model_version_by_alias("doubles", "champion")
    (run,) = mlflow.search_runs(experiment_names=["doubling"], output_format="list")
    with TemporaryDirectory() as folder:
        model = Path(mlflow.artifacts.download_artifacts("models:/doubles@champion", dst_path=f"{folder}/model"))
        notes = Path(mlflow.artifacts.download_artifacts(run_id=run.info.run_id, dst_path=f"{folder}/run"))
        files = sorted(each for place in (model, notes) for each in place.rglob("*") if each.is_file())
        digests = {str(each.relative_to(folder)): hashlib.sha256(each.read_bytes()).hexdigest() for each in files}
        answer = mlflow.pyfunc.load_model(str(model)).predict([21])
    return {"version": found.version, "factor": run.data.params["factor"], "digests": digests, "answer": answer}


def delete() -> dict[str, str]:
    """Delete a run, and an experiment with a run: what they are called, each with an artifact."""
    client, made = MlflowClient(), {"run": "doubling", "experiment": "given up"}
    for kind, name in made.items():
        mlflow.set_experiment(name)
        with mlflow.start_run() as run:
            mlflow.log_text("in vain\n", "notes.txt")
        made[kind] = run.info.run_id
    client.delete_run(made["run"])
    client.delete_experiment(client.get_experiment_by_name("given up").experiment_id)
    return made


if __name__ == "__main__":
    if sys.argv[1] == "write":
        write()
    print(json.dumps(delete() if sys.argv[1] == "delete" else read()))
