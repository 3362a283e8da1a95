"""Downloads a listing's files into a folder, and verifies each file's checksum on the disk."""

import errno
import hashlib
import json
import os
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from llmplatform.serving.hydration import http
from llmplatform.serving.hydration.faults import Answered, Changed, Refused, Stopped, Tired, Transient
from llmplatform.serving.hydration.hubs import AGENT, File, Hub
from llmplatform.serving.hydration.volume import PART, Lease, write

STRETCH = 1 << 30
"""Bytes of one request: the addresses that hubs redirect to expire."""
AT_ONCE = 8
"""Files to download at once."""
TRIES = 3
"""Downloads of a file with a wrong checksum, before that counts as a fault of the connection."""
REPORT_SECONDS = 30.0
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT}

T = TypeVar("T")


@dataclass
class Download:
    """One attempt at a listing."""

    hub: Hub
    lease: Lease
    patience: float
    """Seconds without a byte after which the attempt ends."""
    say: Callable[[str], None]
    stop: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._came, self._latest = 0, time.monotonic()
        self._counting = threading.Lock()

    def run(self, files: Sequence[File]) -> None:
        """All files, verified. Raises `Refused`, `Tired`, `Lost`."""
        self._keep_what_fits(files)
        missing = [file for file in files if not (self.lease.files / file.path).exists()]
        self._require_room(missing)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            # The largest first, so that no large one is last.
            running = [pool.submit(self._file, file) for file in sorted(missing, key=lambda file: -file.size)]
            self._report(running, sum(file.size for file in missing))
            self.stop.set()
        faults = [fault for each in running if not each.cancelled() and (fault := each.exception())]
        for fault in sorted(faults, key=lambda fault: isinstance(fault, Stopped)):
            raise fault

    def ask(self, question: Callable[[], T]) -> T:
        """The answer of the hub, which is asked again while that may help."""
        turn = 0
        while True:
            try:
                return question()
            except Transient as fault:
                self._rest(fault, turn)
                turn += 1

    def _keep_what_fits(self, files: Sequence[File]) -> None:
        """Keep files of an earlier attempt, unless the hub has others of their name by now.

        Where only the digest is another one, as after a new SHA256SUMS, the file is verified anew.
        """
        record = self.lease.work / "listing.json"
        now = {file.path: [file.size, file.version, file.digest] for file in files}
        try:
            before = json.loads(record.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            before = {}
        for path, known in before.items():
            whole, part = self.lease.files / path, self.lease.files / (path + PART)
            wanted = now.get(path)
            if known == wanted:
                continue
            if wanted and wanted[1] and known[:2] == wanted[:2]:
                if whole.exists():
                    whole.replace(part)
            else:
                whole.unlink(missing_ok=True)
                part.unlink(missing_ok=True)
        write(record, json.dumps(now))

    def _require_room(self, missing: Sequence[File]) -> None:
        there = sum(part.stat().st_size for part in self.lease.files.rglob(f"*{PART}"))
        wanted = sum(file.size for file in missing) - there
        room = os.statvfs(self.lease.root)
        if wanted > room.f_bavail * room.f_frsize:
            free = room.f_bavail * room.f_frsize
            raise Refused(f"the volume has {_gib(free)} of room and {_gib(wanted)} are to come: make it larger")

    def _report(self, running: Sequence[Future[None]], total: int) -> None:
        last, at = 0, time.monotonic()
        while True:
            done, rest = wait(running, timeout=REPORT_SECONDS, return_when=FIRST_EXCEPTION)
            now = time.monotonic()
            rate = (self._came - last) / max(now - at, 0.001)
            last, at = self._came, now
            self.say(f"{_gib(self._came)} of {_gib(total)} have come, {rate / (1 << 20):.0f} MiB/s")
            if not rest or any(each.exception() for each in done if not each.cancelled()):
                for each in rest:
                    each.cancel()
                return

    def _file(self, file: File) -> None:
        target = self.lease.files / file.path
        part = target.with_name(target.name + PART)
        target.parent.mkdir(parents=True, exist_ok=True)
        for _ in range(TRIES):
            try:
                self._fetch(file, part)
            except Changed as change:
                raise Tired(f"{file.path}: {change}") from None
            except OSError as error:
                if error.errno in _NO_ROOM:
                    raise Refused("the volume is full: make it larger") from None
                raise
            if _matches(part, file):
                part.replace(target)
                return
            self.say(f"{file.path}: its content is not what the hub says; downloading it again")
            part.unlink()
        raise Tired(f"{file.path}: came {TRIES} times with another content than the hub says; look for a proxy between")

    def _stretch(self, file: File, start: int, end: int) -> Iterator[tuple[int, bytes]]:
        headers = AGENT if file.public else self.hub.headers_for(file)
        try:
            yield from http.stretch(file.url, headers, start, end)
        except Answered as fault:
            raise (fault if file.public else self.hub.explained(fault)) from None

    def _fetch(self, file: File, part: Path) -> None:
        turn = 0
        with part.open("r+b" if part.exists() else "w+b") as disk:
            disk.seek(0, os.SEEK_END)
            place = disk.tell() if disk.tell() <= file.size else 0
            disk.truncate(place)
            while place < file.size:
                before = place
                try:
                    end = min(place + STRETCH, file.size)
                    for at, piece in self._stretch(file, place, end):
                        self._go_on()
                        if at + len(piece) > file.size:
                            raise Changed(f"more than the {file.size} bytes that were announced")
                        disk.seek(at)
                        disk.write(piece)
                        place = at + len(piece)
                        self._count(len(piece))
                except Transient as fault:
                    turn = 0 if place > before else turn + 1
                    self._rest(fault, turn)
            disk.flush()
            os.fsync(disk.fileno())

    def _count(self, size: int) -> None:
        with self._counting:
            self._came += size
            self._latest = time.monotonic()

    def _go_on(self) -> None:
        self.lease.check()
        if self.stop.is_set():
            raise Stopped("told to stop")

    def _rest(self, fault: Transient, turn: int) -> None:
        """Wait as long as the server asks, else longer each time; never all at the same moment."""
        if time.monotonic() - self._latest > self.patience:
            raise Tired(f"nothing came for {self.patience:.0f} s; at last: {fault}")
        seconds = fault.wait if fault.wait is not None else min(60.0, 2.0 ** min(turn, 6))
        seconds *= 1 + random.random() / 4  # noqa: S311 nothing is kept secret by it
        self.say(f"{fault}; again in {seconds:.0f} s")
        self.stop.wait(seconds)
        self._go_on()


def _matches(path: Path, file: File) -> bool:
    """Whether the file on the disk matches the hub's checksum, regardless of the received bytes."""
    if path.stat().st_size != file.size:
        return False
    digest = hashlib.md5(usedforsecurity=False) if file.kind == "md5" else hashlib.sha256()
    if file.kind == "git-sha1":
        digest = hashlib.sha1(f"blob {file.size}\0".encode(), usedforsecurity=False)
    with path.open("rb") as disk:
        os.posix_fadvise(disk.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        while piece := disk.read(http.CHUNK):
            digest.update(piece)
    return not file.digest or digest.hexdigest() == file.digest.lower()


def _gib(size: float) -> str:
    return f"{size / (1 << 30):.2f} GiB"
