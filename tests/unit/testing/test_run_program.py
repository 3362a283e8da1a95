"""A whole program on the recording engine: its stack file reaches it, and nothing of one run reaches the next."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from llmplatform.testing import RecordingEngine, run_program

BUCKET = "aws:s3/bucket:Bucket"
PROGRAM = """
import os
from pathlib import Path

import pulumi
import pulumi_aws as aws

import beside

beside.COUNT += 1
config = pulumi.Config()
settings = config.require_object("settings")
bucket = aws.s3.Bucket("web", tags={"team": settings["team"], "token": config.get_secret("token")})
pulumi.export("id", bucket.id)
pulumi.export("count", beside.COUNT)
pulumi.export("here", Path("note.txt").read_text())
pulumi.export("mode", os.environ.get("MODE", "none"))


async def outputs():
    pulumi.export("within", True)
    return {"returned": bucket.id}


pulumi.run(outputs)
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project whose program lies in a folder of its own."""
    (tmp_path / "Pulumi.yaml").write_text("name: shop\nruntime: python\nmain: program\n")
    (tmp_path / "Pulumi.dev.yaml").write_text('config: {"shop:settings": {team: search}, token: {secure: v1:abc}}\n')
    program = tmp_path / "program"
    program.mkdir()
    (program / "__main__.py").write_text(PROGRAM)
    (program / "beside.py").write_text("COUNT = 0\n")
    (program / "note.txt").write_text("read from its folder")
    return tmp_path


def test_the_stack_file_is_the_configuration(project: Path) -> None:
    bucket = run_program(project).one(BUCKET)
    assert bucket.urn.startswith("urn:pulumi:dev::shop::")
    assert bucket.inputs["tags"] == {"team": "search", "token": "decrypted v1:abc"}
    assert bucket.secrets == {"tags"}, "a value that the file holds encrypted stays a secret"


def test_a_configuration_that_is_given_takes_the_place_of_the_file(project: Path) -> None:
    engine = run_program(project, "prod", config={"settings": {"team": "ads"}, "token": "t"}, secret=["shop:token"])
    assert engine.one(BUCKET).urn.startswith("urn:pulumi:prod::shop::")
    assert engine.one(BUCKET).inputs["tags"] == {"team": "ads", "token": "t"}


def test_exports_and_what_the_entrypoint_returns_are_the_outputs(project: Path) -> None:
    assert run_program(project, environment={"MODE": "test"}).result == {
        "id": "web-id",
        "count": 1,
        "here": "read from its folder",
        "mode": "test",
        "within": True,
        "returned": "web-id",
    }


def test_a_run_leaves_nothing_for_the_next(project: Path) -> None:
    folder, path, variables = Path.cwd(), [*sys.path], {**os.environ}
    first, second = (run_program(project, environment={"MODE": "test"}).result["count"] for _ in range(2))
    assert (first, second) == (1, 1), "the modules beside it are loaded anew"
    assert (Path.cwd(), sys.path, {**os.environ}) == (folder, path, variables)
    assert "beside" not in sys.modules


def test_a_folder_without_a_project_runs_its_program(project: Path) -> None:
    engine = run_program(project / "program", config={"settings": {"team": "ads"}})
    assert engine.one(BUCKET).urn.startswith("urn:pulumi:dev::program::")


def test_an_engine_of_the_tests_own_answers(project: Path) -> None:
    engine = RecordingEngine(project="shop", outputs={BUCKET: {"arn": "arn:mine"}})
    assert run_program(project, engine=engine) is engine
    assert engine.one(BUCKET).urn.startswith("urn:pulumi:test::"), "its stack stands"


def test_an_error_of_the_program_reaches_the_test(project: Path) -> None:
    (project / "program" / "beside.py").write_text("raise ValueError('the programs own words')\n")
    with pytest.raises(ValueError, match="the programs own words"):
        run_program(project)


def test_it_needs_no_test_framework() -> None:
    script = "import sys, llmplatform.testing; sys.exit('pytest' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
