"""Copies a Pulumi project into the sandbox, so that no engine command ever writes to the user's files.

The copy holds the project file with absolute paths and the stack file with a salt of the sandbox's own. It replaces the
user's salt or secrets provider, and every `secure:` value, which only the user's key could open. A generated value
depends only on its path, on the replaced value and on the sandbox's passphrase, so that a second run has no diff, and a
run after a changed secret has one.
"""

import base64
import hashlib
import hmac
import os
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, cast

import yaml
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from llmplatform.catalog.stack_names import stack_file
from llmplatform_sandbox.called import called
from llmplatform_sandbox.errors import SandboxError
from llmplatform_sandbox.paths import SandboxPaths, write_private

_STRIPPED = ("encryptionsalt", "encryptedkey", "secretsprovider", "environment")
_ITERATIONS = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Project:
    """A user's Pulumi project folder."""

    folder: Path
    settings: dict[str, Any]
    """The project file as read."""

    @property
    def name(self) -> str:
        """The project's name, part of every URN."""
        return str(self.settings["name"])

    @property
    def program(self) -> Path:
        """The folder (or file) with the program, absolute."""
        return (self.folder / str(self.settings.get("main", "."))).resolve()

    def stack_file(self, stack: str) -> Path:
        """Path of the user's settings of a stack, existing or not."""
        return stack_file(stack, self.folder, self.settings)


def read_project(folder: Path) -> Project:
    """Read the project file. Raises `SandboxError` (exit code 2) unless the folder holds a Python project."""
    file = folder / "Pulumi.yaml"
    settings = _read_mapping(file, "run the command in a Pulumi project folder, or name one with --project")
    runtime = settings.get("runtime")
    runtime_name = cast(dict[str, Any], runtime).get("name") if isinstance(runtime, dict) else runtime
    if "name" not in settings or runtime_name != "python":
        raise SandboxError(f"{file}: not a Python project; it needs a name and `runtime: python`", exit_code=2)
    return Project(folder=folder.resolve(), settings=settings)


def require_stack(project: Project, stack: str) -> None:
    """Raises `SandboxError` (exit code 2) unless the stack's file and the program exist; writes nothing."""
    _read_stack(project, stack)
    if not project.program.exists():
        raise SandboxError(
            f"{project.program}: there is no program; correct `main` in {project.folder / 'Pulumi.yaml'}", exit_code=2
        )


def check_settings(file: Path) -> None:
    """Refuse a stack file with wrong platform settings before any process starts: all errors, one per line."""
    files = {file, *file.parent.glob("Pulumi.*.yaml")}
    if not any(each.is_file() and b"llmplatform:" in each.read_bytes() for each in files):
        return  # Another project, with its own settings.
    try:
        from llmplatform.checks import check_stack_file
    except ImportError:
        return
    errors = check_stack_file(file)
    if errors:
        raise SandboxError("\n".join(errors), exit_code=2)


def _read_stack(project: Project, stack: str) -> dict[str, Any]:
    others = _stacks(project)
    remedy = f"write it, or name one of the stacks {', '.join(others)}" if others else "write it"
    return _read_mapping(project.stack_file(stack), remedy)


def copy_project(project: Project, stack: str, paths: SandboxPaths, *, on_paper: bool = False) -> None:
    """Write `Pulumi.yaml` and `Pulumi.<stack>.yaml` into the sandbox.

    `on_paper`: there is no account behind the state, so that a refresh would delete everything.

    Raises `SandboxError` (exit code 2) on a missing or unreadable file.
    """
    stack_settings = _read_stack(project, stack)
    project_settings = {
        key: value for key, value in project.settings.items() if key not in ("backend", "stackConfigDir")
    }
    project_settings["main"] = str(project.program)
    if on_paper:
        project_settings.pop("options", None)
    write_private(paths.project / "Pulumi.yaml", yaml.safe_dump(project_settings, sort_keys=False))
    passphrase = paths.passphrase.read_text().strip()
    cipher = _Cipher(passphrase, paths.folder / "encryptionsalt")
    config = _replace_secure(stack_settings.get("config") or {}, (), passphrase, cipher.encrypt)
    copied = {key: value for key, value in stack_settings.items() if key not in _STRIPPED} | {"config": config}
    # The engine adds a salt to a stack file without one; with ours it never writes to the copy.
    write_private(
        paths.project / f"Pulumi.{stack}.yaml",
        yaml.safe_dump({"encryptionsalt": cipher.salt_line, **copied}, sort_keys=False),
    )


def no_sandbox(project: Project, stack: str) -> SandboxError:
    """The error for a stack without a sandbox: it was never up, or its name is mistyped (exit code 2)."""
    file = project.stack_file(stack)
    if file.exists():
        return SandboxError(f"{stack}: it has no sandbox yet; run `{called()} sandbox up {stack}`")
    stacks = _stacks(project)
    near = get_close_matches(stack, stacks, n=1)
    remedy = f"did you mean '{near[0]}'?" if near else f"the stacks here are {', '.join(stacks) or 'none'}"
    return SandboxError(f"{stack}: there is neither a sandbox nor a {file.name}; {remedy}", exit_code=2)


def _stacks(project: Project) -> list[str]:
    files = project.stack_file("any").parent.glob("Pulumi.*.yaml")
    return sorted(file.name[7:-5] for file in files if file.is_file())


def _read_mapping(file: Path, remedy: str) -> dict[str, Any]:
    try:
        # Read like the settings: PyYAML's two parsers accept different files.
        content = yaml.load(file.read_text(encoding="utf-8-sig"), Loader=yaml.CSafeLoader)
    except FileNotFoundError:
        fault = "the link leads nowhere" if file.is_symlink() else "no such file"
        raise SandboxError(f"{file}: {fault}; {remedy}", exit_code=2) from None
    except OSError as error:
        raise SandboxError(f"{file}: cannot be read: {error.strerror}; {remedy}", exit_code=2) from None
    except UnicodeDecodeError:
        raise SandboxError(f"{file}: it is not text; save it as UTF-8", exit_code=2) from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{file}:{mark.line + 1}" if mark else str(file)
        raise SandboxError(
            f"{where}: not valid YAML ({getattr(error, 'problem', error)}); correct it", exit_code=2
        ) from None
    if not isinstance(content or {}, dict):
        raise SandboxError(f"{file}: not a mapping; {remedy}", exit_code=2)
    return content or {}


def _replace_secure(value: Any, path: tuple[str, ...], passphrase: str, encrypt: Callable[[str], str]) -> Any:
    if isinstance(value, list):
        items = cast(list[Any], value)
        return [_replace_secure(item, (*path, str(index)), passphrase, encrypt) for index, item in enumerate(items)]
    if not isinstance(value, dict):
        return value
    mapping = cast(dict[str, Any], value)
    if set(mapping) == {"secure"} and isinstance(mapping["secure"], str):
        source = "/".join((*path, mapping["secure"]))
        generated = hmac.new(passphrase.encode(), source.encode(), hashlib.sha256).hexdigest()[:32]
        return {"secure": encrypt(f"sandbox-{generated}")}
    return {key: _replace_secure(item, (*path, str(key)), passphrase, encrypt) for key, item in mapping.items()}


class _Cipher:
    """Pulumi's passphrase encryption, version 1 (pulumi/pulumi: sdk/go/common/resource/config/crypt.go).

    Implemented here because the CLI accepts many secrets only on its command line, where every user can read them.
    """

    def __init__(self, passphrase: str, salt_file: Path) -> None:
        self._passphrase = passphrase
        self._key = b""
        self._salt = os.urandom(8)
        if salt_file.exists():
            self.salt_line = salt_file.read_text()
            self._salt = base64.b64decode(self.salt_line.split(":")[1])
        else:
            self.salt_line = f"v1:{_text(self._salt)}:{self.encrypt('pulumi')}"
            write_private(salt_file, self.salt_line)

    def encrypt(self, plain: str) -> str:
        # A quarter of a second of key stretching, only if there is a secret.
        self._key = self._key or hashlib.pbkdf2_hmac("sha256", self._passphrase.encode(), self._salt, _ITERATIONS, 32)
        nonce = os.urandom(12)
        return f"v1:{_text(nonce)}:{_text(AESGCM(self._key).encrypt(nonce, plain.encode(), None))}"


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
