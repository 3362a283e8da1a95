"""The hydration as pods run it: processes of their own, against a hub on loopback that fails as hubs do."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from hubs import COMMIT, FakeHub, Faults, served

from llmplatform.serving import hydration
from llmplatform.serving.hydration.faults import announced_wait
from llmplatform.serving.hydration.hubs import File, needed
from llmplatform.serving.hydration.volume import MANIFEST, Lease, manifest

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


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The modules as the ConfigMap brings them: without the packages around them."""
    place = tmp_path_factory.mktemp("program")
    (source,) = hydration.__path__
    shutil.copytree(source, place / "llmplatform/serving/hydration", ignore=shutil.ignore_patterns("__pycache__"))
    return place


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with served(FakeHub(FILES)) as running:
        yield running


def started(program: Path, volume: Path, hub: FakeHub, *extra: str) -> subprocess.Popen[str]:
    words = [sys.executable, "-m", "llmplatform.serving.hydration", "--hub", "huggingface", "--source", "acme/tiny"]
    words += ["--endpoint", hub.address, "--revision", "main", "--root", str(volume), "--target", TARGET]
    clean = {"PATH": os.environ["PATH"], "PYTHONPATH": str(program), "PYTHONDONTWRITEBYTECODE": "1"}
    words += ["--stale", "2", *extra]
    return subprocess.Popen(words, env=clean, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    said, _ = process.communicate(timeout=120)
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


def until(condition: object, seconds: float = 20) -> None:
    assert callable(condition)
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.01)


@pytest.mark.parametrize("kind", ["huggingface", "modelscope"])
def test_a_model_is_hydrated_once_through_a_429_a_cut_and_a_flipped_byte_at_24_mib_a_second(
    kind: str, program: Path, tmp_path: Path, hub: FakeHub
) -> None:
    """Two Jobs on two nodes, which share a volume and nothing else: no lock of any file system is asked for."""
    hub.mib_per_second, hub.faults = 24, Faults(busy=1, cut=1, flipped=1)
    target = f"{kind}/acme/tiny/one"
    revision = {"huggingface": "main", "modelscope": "master"}[kind]
    also = ("--hub", kind, "--revision", revision, "--target", target)
    results = [ended(process) for process in [started(program, tmp_path, hub, *also) for _ in range(2)]]
    assert [code for code, _ in results] == [0, 0], results
    assert exactly_the_models(tmp_path, target)
    assert sum(hub.sent.values()) < SIZE * 1.6, "two would have downloaded it twice; the flipped file comes again alone"
    said = "".join(text for _, text in results)
    assert "answers 429" in said
    assert "the connection ended" in said
    assert "its content is not what the hub says" in said
    before = sum(hub.sent.values())
    hub.faults.status = 503
    assert hydrate(program, tmp_path, hub, *also)[0] == 0, "what is there needs no hub"
    assert sum(hub.sent.values()) == before


def test_what_is_published_says_what_it_is(program: Path, tmp_path: Path, hub: FakeHub) -> None:
    hub.page = 2
    assert hydrate(program, tmp_path, hub)[0] == 0
    written = json.loads((tmp_path / TARGET / MANIFEST).read_text())
    assert (written["source"], written["revision"], written["commit"]) == ("acme/tiny", "main", COMMIT)
    digests = {each["path"]: each.get("sha256") for each in written["files"]}
    assert set(digests) == KEPT, "the listing has more than one page"
    assert digests["model-00001-of-00002.safetensors"] == hashlib.sha256(WEIGHTS).hexdigest()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_hydration_leaves_nothing_that_blocks_and_its_bytes_are_not_fetched_again(
    number: signal.Signals, program: Path, tmp_path: Path, hub: FakeHub
) -> None:
    hub.mib_per_second = 12
    # One that is told to end says so: its successor need not wait until it counts as dead.
    stale = ("--stale", "300" if number == signal.SIGTERM else "2")
    process = started(program, tmp_path, hub, *stale)
    until(lambda: sum(hub.sent.values()) > SIZE * 0.75)
    process.send_signal(number)
    ended(process)
    assert not (tmp_path / TARGET).exists(), "a server would take half a model for a whole one"
    hub.mib_per_second = 0
    code, said = hydrate(program, tmp_path, hub, *stale)
    assert code == 0
    assert "went on where" in said
    assert exactly_the_models(tmp_path)
    # What the machine held in its buffers at that moment was sent, and lost.
    assert sum(hub.sent.values()) < SIZE * 1.7, "what had come came again"


def test_kills_at_any_moment_end_in_a_whole_model(program: Path, tmp_path: Path, hub: FakeHub) -> None:
    hub.mib_per_second = 30
    random = Random(3)  # noqa: S311
    for _ in range(6):
        process = started(program, tmp_path, hub, "--stale", "0.3")
        time.sleep(random.uniform(0.1, 0.9))
        process.kill()
        ended(process)
        assert not (tmp_path / TARGET).exists() or manifest(tmp_path / TARGET) is not None
    assert hydrate(program, tmp_path, hub, "--stale", "0.3")[0] == 0
    assert exactly_the_models(tmp_path)


def test_one_that_sleeps_while_another_takes_over_spoils_nothing(program: Path, tmp_path: Path, hub: FakeHub) -> None:
    """A node that hangs or loses its network: its pod goes on later, and knows nothing of its successor."""
    hub.mib_per_second = 8
    sleeper = started(program, tmp_path, hub)
    until(lambda: sum(hub.sent.values()) > SIZE / 4)
    sleeper.send_signal(signal.SIGSTOP)
    hub.mib_per_second = 0
    assert hydrate(program, tmp_path, hub)[0] == 0
    sleeper.send_signal(signal.SIGCONT)
    code, _ = ended(sleeper)
    assert code in (0, 4)
    assert exactly_the_models(tmp_path)


def test_what_a_sleeper_has_open_is_not_what_its_successor_publishes(tmp_path: Path) -> None:
    first = Lease(tmp_path, tmp_path / TARGET, stale=0.2, beat=60)
    second = Lease(tmp_path, tmp_path / TARGET, stale=0.2, beat=60)
    (tmp_path / ".work").mkdir()
    assert first.acquire(print)
    part = first.files / "weights.part"
    part.write_bytes(b"right")
    with part.open("r+b") as still_open:
        assert second.acquire(print)
        still_open.write(b"wrong")
    assert (second.files / "weights.part").read_bytes() == b"right"


@pytest.mark.parametrize(
    ("status", "code", "says"),
    [(401, 3, "licence"), (404, 3, "spelling of model and revision"), (503, 4, "nothing came for 0 s")],
)
def test_a_fault_is_told_apart_from_a_bad_moment(
    status: int, code: int, says: str, program: Path, tmp_path: Path, hub: FakeHub
) -> None:
    hub.faults.status = status
    found_code, said = hydrate(program, tmp_path, hub, "--patience", "0")
    assert found_code == code
    assert says in said.splitlines()[-1]
    assert "Traceback" not in said


def test_the_token_goes_to_the_hub_and_not_to_where_it_redirects(program: Path, tmp_path: Path, hub: FakeHub) -> None:
    hub.token = "hf_x"
    (tmp_path / "token").write_text("hf_x\n")
    code, said = hydrate(program, tmp_path, hub, "--token-file", str(tmp_path / "token"))
    assert code == 0, said
    assert hub.tokens["other"] == {""}, "another host would see it, and storage refuses requests that carry two"
    assert "hf_x" not in said


def test_a_file_from_elsewhere_lies_with_the_weights_and_its_host_sees_no_token(
    program: Path, tmp_path: Path, hub: FakeHub
) -> None:
    (tmp_path / "token").write_text("hf_x")
    name = "model-00002-of-00002.safetensors"
    digest = hashlib.sha256(FILES[name]).hexdigest()
    also = ("--token-file", str(tmp_path / "token"), "--extra", f".extras/vocabulary={digest}={hub.other}/cdn/{name}")
    assert hydrate(program, tmp_path, hub, *also)[0] == 0
    assert found(tmp_path)[".extras/vocabulary"] == FILES[name]
    assert hub.tokens["other"] == {""}


def test_a_gated_model_without_a_token_is_refused_at_once(program: Path, tmp_path: Path, hub: FakeHub) -> None:
    hub.token = "hf_x"
    code, said = hydrate(program, tmp_path, hub)
    assert code == 3
    assert "GatedRepo" in said


def test_a_server_without_ranges_is_good_enough(program: Path, tmp_path: Path, hub: FakeHub) -> None:
    hub.faults = Faults(no_ranges=True, cut=2)
    assert hydrate(program, tmp_path, hub)[0] == 0
    assert exactly_the_models(tmp_path)


def test_a_file_that_never_comes_right_is_not_published(program: Path, tmp_path: Path, hub: FakeHub) -> None:
    hub.faults = Faults(flipped=100)
    code, said = hydrate(program, tmp_path, hub)
    assert code == 4
    assert "with another content than the hub says" in said
    assert not (tmp_path / TARGET).exists()


def test_modelscope_is_told_the_region_of_the_machine(program: Path, tmp_path: Path, hub: FakeHub) -> None:
    """modelscope 1.37.1, snapshot_download.py: INTRA_CLOUD_ACCELERATION_REGION becomes this header."""
    also = ("--hub", "modelscope", "--revision", "master", "--region", "cn-hangzhou")
    assert hydrate(program, tmp_path, hub, *also)[0] == 0
    sent = [{name.lower(): value for name, value in headers.items()} for headers in hub.headers]
    assert {headers["x-aliyun-region-id"] for headers in sent} == {"cn-hangzhou"}


def test_old_revisions_go_but_for_the_one_before(program: Path, tmp_path: Path, hub: FakeHub) -> None:
    targets = [f"huggingface/acme/tiny/{name}" for name in ("one", "two", "three")]
    for age, target in zip((300, 200, 0), targets, strict=True):
        assert hydrate(program, tmp_path, hub, "--target", target)[0] == 0
        os.utime(tmp_path / target / MANIFEST, (time.time() - age,) * 2)
    assert [(tmp_path / target).exists() for target in targets] == [False, True, True], (
        "servers may still start from it"
    )
    left = tmp_path / ".work" / "taken-somebody"
    left.mkdir()
    os.utime(left, (1, 1))
    assert hydrate(program, tmp_path, hub, "--target", targets[2])[0] == 0
    assert not list((tmp_path / ".work").iterdir())


def test_a_damaged_model_is_hydrated_again(program: Path, tmp_path: Path, hub: FakeHub) -> None:
    assert hydrate(program, tmp_path, hub)[0] == 0
    (tmp_path / TARGET / "model-00001-of-00002.safetensors").write_bytes(b"short")
    assert hydrate(program, tmp_path, hub, "--check")[0] == 4
    assert hydrate(program, tmp_path, hub)[0] == 0
    assert exactly_the_models(tmp_path)
    assert hydrate(program, tmp_path, hub, "--check")[0] == 0


def test_a_branch_that_moves_meanwhile_leaves_no_mixture(program: Path, tmp_path: Path, hub: FakeHub) -> None:
    hub.mib_per_second = 12
    process = started(program, tmp_path, hub)
    until(lambda: sum(hub.sent.values()) > SIZE / 2)
    process.terminate()
    ended(process)
    hub.files = {**FILES, "config.json": b"{}", "model-00001-of-00002.safetensors": WEIGHTS[: 5 * MIB]}
    hub.mib_per_second = 0
    assert hydrate(program, tmp_path, hub)[0] == 0
    assert found(tmp_path) == {name: hub.files[name] for name in KEPT}


def test_a_full_volume_is_said_before_the_first_byte(
    program: Path, tmp_path: Path, hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    from llmplatform.serving.hydration import __main__ as whole

    class NoRoom:
        f_bavail, f_frsize = 1, 4096

    monkeypatch.setattr(os, "statvfs", lambda path: NoRoom)
    words = ["--hub", "huggingface", "--source", "acme/tiny", "--revision", "main", "--endpoint", hub.address]
    assert whole.main([*words, "--root", str(tmp_path), "--target", TARGET]) == 3
    assert not hub.sent


def test_a_hub_cannot_name_files_outside_the_models_folder(program: Path, tmp_path: Path) -> None:
    with served(FakeHub({"../../escaped": b"x"})) as hostile:
        code, said = hydrate(program, tmp_path, hostile)
    assert code == 3
    assert "outside the model's folder" in said


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7),
        ({"retry-after": "Thu, 01 Jan 1970 00:01:00 GMT"}, 50),
        ({"RateLimit": '"api";r=0;t=55'}, 55),
        ({"Retry-After": "86400"}, 300),
        ({"Retry-After": "soon"}, None),
        ({}, None),
    ],
)
def test_a_refusal_may_say_how_long_it_lasts(headers: dict[str, str], seconds: float | None) -> None:
    """RFC 9110, 10.2.3; draft-ietf-httpapi-ratelimit-headers-09, as huggingface_hub's `parse_ratelimit_headers`."""
    assert announced_wait(headers, now=10) == seconds


def test_weights_come_in_one_format() -> None:
    def names(*paths: str) -> set[str]:
        return {file.path for file in needed([File(path, 1, "", "sha256", "") for path in paths])}

    assert names("model.safetensors", "pytorch_model.bin", "config.json") == {"model.safetensors", "config.json"}
    assert names("pytorch_model.bin", "model.pth") == {"pytorch_model.bin"}
    assert names("model.pt", "config.json") == {"model.pt", "config.json"}
    assert names("sub/model.safetensors", "pytorch_model.bin") == {"sub/model.safetensors", "pytorch_model.bin"}
