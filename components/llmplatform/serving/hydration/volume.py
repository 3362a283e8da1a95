"""The volume: the writer of a revision, complete revisions, and removal of old ones.

It uses no locks of the file system, which a network file system may lack. A renamed folder is the lock: on every file
system the first process gets the name. The holder shows that it lives by a file that keeps changing; clocks of several
machines are never compared. A process that takes over from a holder, which may only be asleep, copies its open files,
so that later writes of that holder never reach what is published.

    <hub>/<model>/<revision>/           whole: its manifest lies in it, and it came here by one rename
    .work/<key>/                        the holder's: `owner`, `beat-<owner>`, `listing.json`, `files/`
    .work/{new,taken,old}-<owner>/      on the way to or from there
"""

import errno
import hashlib
import json
import os
import shutil
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from llmplatform.serving.hydration.faults import Stopped

MANIFEST = ".hydrated.json"
WORK = ".work"
PART = ".part"
_LONGEST = 200
"""Characters of a folder's name: file systems take 255 bytes."""
FORGOTTEN_SECONDS = 3600
"""Age at which an unfinished folder counts as abandoned."""
UNUSED = ".unused"
"""File beside the manifest of what is no target any more. Its time is that of the first sweep which found it so."""
BESIDE = "beside"
"""Where repositories lie that a server reads beside its model."""
KEPT_BEFORE = 2
"""Revisions of the model, and of each repository beside it, to keep beside the target. The volume does not know which
one is served, because servers do not write: after a failed update it is not the previous one."""
KEPT_SECONDS = 7 * 24 * 3600
"""Time that anything stays when it is no target any more: old pods start again from it while a rollout lasts."""
_TAKEN = {errno.ENOTEMPTY, errno.EEXIST}
_ENDED = "ended"


class Lost(Exception):
    """Another process has taken over."""


def manifest(target: Path) -> Mapping[str, Any] | None:
    """A folder's manifest; None if it is incomplete."""
    try:
        found = json.loads((target / MANIFEST).read_text(encoding="utf-8"))
        files = [(target / each["path"], each["size"]) for each in found["files"]]
        return found if all(path.stat().st_size == size for path, size in files) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


@dataclass
class Lease:
    """The right to write the future `target`."""

    root: Path
    target: Path
    stale: float = 90.0
    """Seconds without a sign of life after which a holder counts as dead."""
    beat: float = 10.0
    """Seconds between signs of life."""
    owner: str = field(default_factory=lambda: uuid.uuid4().hex[:12])
    lost: threading.Event = field(default_factory=threading.Event)
    stop: threading.Event = field(default_factory=threading.Event)
    """Ends a wait."""

    def __post_init__(self) -> None:
        key = "--".join(self.target.relative_to(self.root).parts)
        if len(key) > _LONGEST:
            key = hashlib.sha256(key.encode()).hexdigest()
        self.work = self.root / WORK / key
        self._ended = threading.Event()

    @property
    def files(self) -> Path:
        """Folder of the holder's files."""
        return self.work / "files"

    def acquire(self, say: Callable[[str], None]) -> bool:
        """Wait until this process holds the lease (True), or another one has finished (False). Raises `Stopped`."""
        seen: tuple[str, str] | None = None
        since = time.monotonic()
        while manifest(self.target) is None:
            if self._begin():
                return self._hold()
            now = self._holder()
            if now != seen:
                if seen is None:
                    say(f"another hydration ({now[0] or 'unnamed'}) is at it; waiting for it, or for its end")
                seen, since = now, time.monotonic()
            if (now[1] == _ENDED or time.monotonic() - since >= self.stale) and self._take_over(now[1] == _ENDED):
                say(f"went on where {now[0] or 'another hydration'} stopped")
                return self._hold()
            if self.stop.wait(min(self.beat, 2.0)):
                raise Stopped("told to end while it waited for another hydration")
        return False

    def check(self) -> None:
        """Raise `Lost` if another process holds the lease."""
        if self.lost.is_set():
            raise Lost(f"another hydration has taken {self.target} over")

    def leave(self) -> None:
        """Release the lease, so that the next process need not wait. Files stay for it."""
        self._ended.set()
        if not self.lost.is_set() and self._holder()[0] == self.owner:
            self._sign(_ENDED)

    def publish(self, content: Mapping[str, Any]) -> None:
        """Rename the files to the target in one step, and release the lease."""
        write(self.files / MANIFEST, json.dumps(content, indent=1))
        for folder in [self.files, *(path for path in self.files.rglob("*") if path.is_dir())]:
            _sync(folder)
        self.target.parent.mkdir(parents=True, exist_ok=True)
        self._require()
        while not _renamed(self.files, self.target):
            if manifest(self.target) is not None:
                break
            discard(self.root, self.target)
        _sync(self.target.parent)
        self._ended.set()
        discard(self.root, self.work)

    def _begin(self) -> bool:
        """Take the name with a folder that already names its owner."""
        new = self.root / WORK / f"new-{self.owner}"
        shutil.rmtree(new, ignore_errors=True)
        (new / "files").mkdir(parents=True)
        write(new / "owner", self.owner)
        if _renamed(new, self.work):
            return True
        shutil.rmtree(new, ignore_errors=True)
        return False

    def _take_over(self, ended: bool) -> bool:
        taken = self.root / WORK / f"taken-{self.owner}"
        try:
            self.work.rename(taken)
        except FileNotFoundError:
            return False
        write(taken / "owner", self.owner)
        (taken / "files").mkdir(exist_ok=True)
        for part in [] if ended else list((taken / "files").rglob(f"*{PART}")):
            fresh = part.with_name(f"{part.name}.fresh")
            shutil.copyfile(part, fresh)
            fresh.replace(part)
        if _renamed(taken, self.work):
            return True
        shutil.rmtree(taken, ignore_errors=True)
        return False

    def _hold(self) -> bool:
        self._sign("0")
        threading.Thread(target=self._live, name="signs of life", daemon=True).start()
        return True

    def _live(self) -> None:
        count = 0
        while not self._ended.wait(self.beat):
            count += 1
            try:
                self._require()
                self._sign(str(count))
            except (Lost, OSError):
                if self._holder()[0] != self.owner and not self._ended.is_set():
                    self.lost.set()
                    return

    def _require(self) -> None:
        if self._holder()[0] != self.owner:
            self.lost.set()
        self.check()

    def _sign(self, content: str) -> None:
        # Named after its owner: one that lost the lease without knowing cannot renew its successor's.
        (self.work / f"beat-{self.owner}").write_text(content, encoding="utf-8")

    def _holder(self) -> tuple[str, str]:
        """The holder, and its latest sign of life."""
        owner = _read(self.work / "owner")
        return owner, _read(self.work / f"beat-{owner}") if owner else ""


def sweep(root: Path, targets: Sequence[Path]) -> Iterator[str]:
    """Remove old revisions, and abandoned folders. `targets`: what is in use, which it keeps."""
    for target in targets:
        (target / MANIFEST).touch()
        (target / UNUSED).unlink(missing_ok=True)
    # The clock of the file system, which made the other files' times, too.
    now = (targets[0] / MANIFEST).stat().st_mtime
    wanted = {_group(root, target) for target in targets}
    newer: Counter[tuple[str, ...]] = Counter()
    found = [path for path in root.glob(f"*/*/*/*/{MANIFEST}") if path.parent not in targets]
    for path in sorted(found, key=lambda path: path.stat().st_mtime, reverse=True):
        old, marker, group = path.parent, path.with_name(UNUSED), _group(root, path.parent)
        if not marker.exists():
            marker.touch()
        newer[group] += 1
        is_kept = group in wanted and newer[group] <= KEPT_BEFORE
        if not is_kept and now - marker.stat().st_mtime > KEPT_SECONDS:
            yield f"removed {old.relative_to(root)}"
            discard(root, old)
    for left in (root / WORK).glob("*"):
        signs = [path.stat().st_mtime for path in (left, *left.glob("beat-*")) if path.exists()]
        if signs and now - max(signs) > FORGOTTEN_SECONDS:
            yield f"removed {left.relative_to(root)}"
            shutil.rmtree(left, ignore_errors=True)


def _group(root: Path, folder: Path) -> tuple[str, ...]:
    """Which folders replace one another: all of the model, whatever their hub, or those of one repository beside it."""
    parts = folder.relative_to(root).parts
    return parts[:-1] if parts[0] == BESIDE else ()


def discard(root: Path, folder: Path) -> None:
    """Remove a folder. It is renamed first, so that no process takes half of it for the whole."""
    old = root / WORK / f"old-{uuid.uuid4().hex[:12]}"
    old.parent.mkdir(exist_ok=True)
    try:
        folder.rename(old)
    except FileNotFoundError:
        return
    shutil.rmtree(old, ignore_errors=True)


def write(path: Path, text: str) -> None:
    """Write a file completely or not at all."""
    draft = path.with_name(f"{path.name}.draft")
    with draft.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def _renamed(source: Path, target: Path) -> bool:
    """Whether this process got the name."""
    try:
        source.rename(target)
    except OSError as error:
        if error.errno in _TAKEN:
            return False
        raise
    return True


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError:
        pass  # Not every network file system has it, and all of them keep a rename whole.
    finally:
        os.close(handle)
