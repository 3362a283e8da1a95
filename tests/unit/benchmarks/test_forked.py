"""Commands that two lives begin and await at the same time."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

import pytest

from benchmarks.kills.forked import ForkedCommand


class Bookkeeping:
    """In the place of a process: how many threads at once are where `multiprocessing` reads exit codes."""

    inside: ClassVar[int] = 0
    most: ClassVar[int] = 0

    def __init__(self, **_: object) -> None:
        pass

    def start(self) -> None:
        Bookkeeping.inside += 1
        Bookkeeping.most = max(Bookkeeping.most, Bookkeeping.inside)
        time.sleep(0.01)
        Bookkeeping.inside -= 1

    @property
    def exitcode(self) -> int:
        self.start()
        return 0


def test_one_thread_at_a_time_reads_exit_codes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("benchmarks.kills.forked._CONTEXT", SimpleNamespace(Process=Bookkeeping))
    with ThreadPoolExecutor(4) as pool:
        polls = [pool.submit(lambda: ForkedCommand([], tmp_path, {}).poll()) for _ in range(8)]
    assert [poll.result() for poll in polls] == [0] * 8
    assert Bookkeeping.most == 1
