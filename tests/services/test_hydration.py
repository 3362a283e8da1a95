"""The hydration as pods run it: processes of their own, against a hub on loopback that fails as hubs do."""

import hashlib
import json
import os
import signal
import time
from pathlib import Path
from random import Random

import pytest
from support.hydration.hubs import COMMIT, FakeHub, Faults
from support.hydration.hydrating import (
    FILES,
    KEPT,
    MIB,
    SIZE,
    TARGET,
    WEIGHTS,
    ended,
    exactly_the_models,
    found,
    hydrate,
    on_disk,
    started,
    until,
)

from llmplatform.planning.hydration import beside
from llmplatform.serving.hydration.volume import BESIDE, MANIFEST, UNUSED, Lease, manifest, sweep
from llmplatform.specs.lora import Adapter


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
    hub.holds_at = int(SIZE * 0.8)
    # One that is told to end says so: its successor need not wait until it counts as dead.
    stale = ("--stale", "300" if number == signal.SIGTERM else "2")
    process = started(program, tmp_path, hub, *stale)
    # What fills no piece of it is still in the machine's memory, and lost.
    until(lambda: on_disk(tmp_path) > SIZE * 0.6)
    process.send_signal(number)
    # A download looks whether it is told to end when bytes come, or after a minute without any.
    hub.mib_per_second, hub.holds_at = 0.25, 0
    ended(process)
    assert not (tmp_path / TARGET).exists(), "a server would take half a model for a whole one"
    had = on_disk(tmp_path)
    hub.asked.clear()
    hub.mib_per_second = 0
    code, said = hydrate(program, tmp_path, hub, *stale)
    assert code == 0
    assert "went on where" in said
    assert exactly_the_models(tmp_path)
    assert sum(hub.asked.values()) == SIZE - had, "what is on the disk does not come again"


def test_one_that_waits_for_another_ends_when_it_is_told_to(program: Path, tmp_path: Path, hub: FakeHub) -> None:
    """Linux, pid_namespaces(7): the first process of a container gets no signal that it has no handler for."""
    hub.holds_at = SIZE // 2
    first = started(program, tmp_path, hub, "--stale", "300")
    until(lambda: on_disk(tmp_path) > 0)
    second = started(program, tmp_path, hub, "--stale", "300")
    assert second.stdout
    assert "is at it; waiting" in second.stdout.readline()
    second.terminate()
    code, said = ended(second)
    assert (code, said) == (4, "stopped: told to end while it waited for another hydration\n")
    first.kill()
    ended(first)


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


DAY = 24 * 3600


@pytest.mark.parametrize(
    ("ages", "stay"),
    [
        pytest.param((40, 30, 20, 0), [False, True, True, True], id="one a month"),
        pytest.param((40, 0.2, 0.1, 0), [True, True, True, True], id="three tries of a day, and none may serve yet"),
        pytest.param((40, 30, 0), [True, True, True], id="one that servers never changed over to"),
    ],
)
def test_old_revisions_go_but_not_those_that_servers_may_still_start_from(
    ages: tuple[float, ...], stay: list[bool], program: Path, tmp_path: Path, hub: FakeHub
) -> None:
    """Servers do not write to the volume: only their revision's age tells that no server uses it."""
    targets = [f"huggingface/acme/tiny/{number}" for number in range(len(ages))]
    for before, age, target in zip([None, *targets], ages, targets, strict=False):
        assert hydrate(program, tmp_path, hub, "--target", target)[0] == 0
        aged(tmp_path / target / MANIFEST, age)
        if before and age:
            aged(tmp_path / before / UNUSED, age)
    assert [(tmp_path / target).exists() for target in targets] == stay


def aged(path: Path, days: float) -> None:
    os.utime(path, (time.time() - days * DAY, time.time() - days * DAY))


def hydrated(volume: Path, *targets: str) -> list[Path]:
    folders = [volume / target for target in targets]
    for folder in folders:
        folder.mkdir(parents=True)
        (folder / MANIFEST).write_text("{}")
        aged(folder / MANIFEST, 40)
    return folders


def test_adapters_stay_for_a_week_after_the_update_that_leaves_them_out(tmp_path: Path) -> None:
    """Old pods run until the rollout ends, and after a failed one they start again."""
    model, *adapters = hydrated(tmp_path, TARGET, *(f"beside/acme/{name}/main" for name in "abc"))
    assert not list(sweep(tmp_path, [*adapters, model]))
    assert not list(sweep(tmp_path, [model])), "they were served for long, and no longer wanted for a moment"
    aged(adapters[0] / UNUSED, 6.9)
    aged(adapters[1] / UNUSED, 7.1)
    assert list(sweep(tmp_path, [model])) == ["removed beside/acme/b/main"]
    assert [folder.exists() for folder in (model, *adapters)] == [True, True, False, True]


def test_what_is_wanted_again_begins_another_week_when_it_is_left_out(tmp_path: Path) -> None:
    model, adapter = hydrated(tmp_path, TARGET, "beside/acme/a/main")
    assert not list(sweep(tmp_path, [model]))
    aged(adapter / UNUSED, 8)
    assert not list(sweep(tmp_path, [adapter, model]))
    assert not list(sweep(tmp_path, [model]))
    assert adapter.exists()


def test_revisions_of_an_adapter_take_no_place_of_the_models(tmp_path: Path) -> None:
    old, model, adapter, *tried = hydrated(
        tmp_path, "huggingface/acme/tiny/old", TARGET, *(f"beside/acme/a/{number}" for number in range(5))
    )
    for days, folder in enumerate([old, *tried], start=20):
        (folder / UNUSED).touch()
        aged(folder / UNUSED, days)
        aged(folder / MANIFEST, 60 - days)
    assert len(list(sweep(tmp_path, [adapter, model]))) == 2
    assert old.exists(), "two of the model stay, and two of the adapter"
    assert [folder.exists() for folder in tried] == [False, False, True, True]


def test_what_is_beside_a_model_is_known_by_the_folder_that_planning_gives_it() -> None:
    assert beside(Adapter(source="acme/sql", rank=8)).split("/")[0] == BESIDE


def test_what_was_left_behind_on_the_way_goes(program: Path, tmp_path: Path, hub: FakeHub) -> None:
    assert hydrate(program, tmp_path, hub)[0] == 0
    left = tmp_path / ".work" / "taken-another"
    left.mkdir()
    os.utime(left, (1, 1))
    assert hydrate(program, tmp_path, hub)[0] == 0
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
