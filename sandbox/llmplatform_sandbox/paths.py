"""Folders of a sandbox: one state folder for each project and stack, and one tool cache for each user."""

import os
import secrets
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class SandboxPaths:
    """The state folder of one sandbox, private to the user (mode 0700)."""

    folder: Path
    guest: str = ""
    """Key of a guest in this sandbox; see `guests`."""

    @property
    def project(self) -> Path:
        """The copied project file and stack file, for the engine."""
        return self.guests / self.guest if self.guest else self.folder / "project"

    @property
    def guests(self) -> Path:
        """A folder for each guest."""
        return self.folder / "guests"

    @property
    def backend(self) -> Path:
        """The engine's file backend."""
        return self.folder / "backend"

    @property
    def pulumi_home(self) -> Path:
        """The CLI's own folder, away from the user's logins and plugins."""
        return self.folder / "pulumi-home"

    @property
    def passphrase(self) -> Path:
        """File with the generated passphrase of the stack's secrets, mode 0600."""
        return self.folder / "passphrase"

    @property
    def clouds(self) -> Path:
        """Folder of the simulated accounts' stores."""
        return self.folder / "clouds"

    @property
    def kube(self) -> Path:
        """PKI, kubeconfigs and the database of the control plane."""
        return self.folder / "kube"

    @property
    def run(self) -> Path:
        """Pid files, locks and endpoints of the running processes."""
        return self.folder / "run"

    @property
    def logs(self) -> Path:
        """Output of the background processes, a file each."""
        return self.folder / "logs"

    @property
    def shims(self) -> Path:
        """Commands that `sandbox env` puts first on PATH."""
        return self.folder / "shims"

    @property
    def endpoints(self) -> Path:
        """JSON of the serving world process; see `world.Endpoints`."""
        return self.run / "endpoints.json"

    @property
    def controllers(self) -> Path:
        """JSON with the charts whose real controllers the sandbox runs, and their ports."""
        return self.folder / "controllers.json"

    def exists(self) -> bool:
        """Whether the sandbox was started, and not destroyed since."""
        return self.passphrase.exists() and (not self.guest or self.project.exists())

    @property
    def remainder(self) -> Path:
        """Name of a removed state folder until all of its files are gone."""
        return self.folder.with_name(f".gone-{self.folder.name}")

    def remove(self) -> None:
        """Delete the folder in one step, as others see it: half a sandbox would be worse than a whole one or none."""
        _delete(self.remainder)
        self.folder.rename(self.remainder)
        _delete(self.remainder)

    def sweep(self) -> None:
        """Delete what a kill left of a sandbox that does not exist: an unfinished removal or creation."""
        _delete(self.remainder)
        # Only empty folders precede the passphrase; a folder with other files is not ours.
        for unfinished in self.folder.glob(f".{self.passphrase.name}.*"):
            unfinished.unlink(missing_ok=True)
        for folder in (*self._parts, self.folder):
            with suppress(OSError):
                folder.rmdir()

    def create(self) -> None:
        """Create the folders and the passphrase; existing ones stay."""
        shutil.rmtree(self.remainder, ignore_errors=True)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o700)
        for folder in self._parts:
            folder.mkdir(parents=True, exist_ok=True)
        if not self.passphrase.exists():
            write_private(self.passphrase, secrets.token_urlsafe(32))

    @property
    def _parts(self) -> tuple[Path, ...]:
        return (
            self.project,
            self.backend,
            self.pulumi_home,
            self.clouds,
            self.kube,
            self.run,
            self.logs,
            self.shims,
        )


def sandbox_paths(project: Path, stack: str) -> SandboxPaths:
    """The state folder of a project's stack: `<project>/.sandbox/<stack>`, without creating it."""
    return SandboxPaths(project.resolve() / ".sandbox" / stack)


def ignore_from_git(project: Path) -> None:
    """Let git ignore the project's sandbox folder by a file inside it, so that no tracked file changes."""
    folder = project.resolve() / ".sandbox"
    folder.mkdir(exist_ok=True)
    ignore = folder / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n")


def cache_folder() -> Path:
    """The user's cache of built tools: `$XDG_CACHE_HOME/llmplatform/tools`, by default below `~/.cache`."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "llmplatform" / "tools"


def write_private(path: Path, text: str) -> None:
    """Write a file that only this user can read, replacing it in one step."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    temporary.replace(path)


def _delete(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)  # Another command may be deleting it too.
    if folder.exists():
        shutil.rmtree(folder)
