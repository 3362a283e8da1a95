"""What is checked without a running server: types against its own packages, and what its image is made of."""

import re
import subprocess
import sys
from pathlib import Path

from support.llm_server.environment import EXAMPLE, python


def test_its_types_are_right_with_the_packages_that_it_uses() -> None:
    pyright = Path(sys.executable).with_name("pyright")
    checked = subprocess.run(
        [pyright, "--project", EXAMPLE, "--pythonpath", python()], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout


def test_its_image_is_made_of_files_that_are_there_and_runs_as_no_root() -> None:
    steps = (EXAMPLE / "Dockerfile").read_text()
    for device in ("cuda", "cpu"):
        for source in re.findall(r"^COPY (\S+) ", steps, re.MULTILINE):
            assert (EXAMPLE / source.replace("${DEVICE}", device)).exists()
    (user,) = re.findall(r"^USER (\d+):", steps, re.MULTILINE)
    assert int(user) > 0
    assert 'ENTRYPOINT ["python", "-m", "llm_server"]' in steps, "the tests start what the image starts"


def test_the_gpus_packages_are_those_of_the_tests_but_for_the_device() -> None:
    pins = {name: _pins(name) for name in ("cuda", "test")}
    both = pins["cuda"].keys() & pins["test"].keys()
    assert {"mlx-lm", "fastapi", "uvicorn", "wordllama"} <= both
    assert {name for name in both if pins["cuda"][name] != pins["test"][name]} == set()


def _pins(name: str) -> dict[str, str]:
    text = (EXAMPLE / "requirements" / f"{name}.txt").read_text()
    return dict(re.findall(r"^([\w.-]+)(?:\[[^]]*\])?==(\S+)", text, re.MULTILINE))
