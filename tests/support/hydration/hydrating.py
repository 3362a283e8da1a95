"""A small model, and hydrations of it as processes of their own."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random

from llmplatform.serving.hydration.volume import MANIFEST
from support.hydration.hubs import FakeHub
from support.pace import PATIENCE, eventually

MIB = 1 << 20
WEIGHTS = Random(1).randbytes(6 * MIB)  # noqa: S311
FILES = {
    "config.json": b'{"model_type": "tiny"}',
    "tokenizer.json": Random(2).randbytes(2000),  # noqa: S311
    "code/modeling.py": b"pass\n",
    "model-00001-of-00002.safetensors": WEIGHTS,
    "model-00002-of-00002.safetensors": WEIGHTS[::-1],
    "pytorch_model.bin": WEIGHTS[: 2 * MIB],
    "original/consolidated.00.pth": WEIGHTS[: 2 * MIB],
    "onnx/model.onnx": WEIGHTS[:MIB],
}
KEPT = set(FILES) - {"pytorch_model.bin", "original/consolidated.00.pth", "onnx/model.onnx"}
SIZE = sum(len(FILES[name]) for name in KEPT)
TARGET = "huggingface/acme/tiny/main"


def started(program: Path, volume: Path, hub: FakeHub, *extra: str) -> subprocess.Popen[str]:
    words = [sys.executable, "-m", "llmplatform.serving.hydration", "--hub", "huggingface", "--source", "acme/tiny"]
    words += ["--endpoint", hub.address, "--revision", "main", "--root", str(volume), "--target", TARGET]
    clean = {"PATH": os.environ["PATH"], "PYTHONPATH": str(program), "PYTHONDONTWRITEBYTECODE": "1"}
    words += ["--stale", "2", *extra]
    return subprocess.Popen(words, env=clean, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    said, _ = process.communicate(timeout=PATIENCE)
    return process.returncode, said


def hydrate(program: Path, volume: Path, hub: FakeHub, *extra: str) -> tuple[int, str]:
    return ended(started(program, volume, hub, *extra))


def found(volume: Path, target: str = TARGET) -> dict[str, bytes]:
    folder = volume / target
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != MANIFEST
    }


def exactly_the_models(volume: Path, target: str = TARGET) -> bool:
    return found(volume, target) == {name: FILES[name] for name in KEPT}


def until(condition: Callable[[], object]) -> None:
    eventually(condition, "it did not come to that", every=0.01)


def on_disk(volume: Path) -> int:
    """Bytes of the model that unfinished hydrations have on the volume; what goes away meanwhile counts for nothing."""
    unfinished = [folder / "files" for folder in (volume / ".work").glob("*")]
    return sum(
        _size(Path(parent) / name) for folder in unfinished for parent, _, names in os.walk(folder) for name in names
    )


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:  # It has its last name by now.
        return 0
