"""The hubs' listings: files of a model's revision with their checksums and addresses.

Source: the clients' own requests, huggingface_hub 2.4.0 (`HfApi.list_repo_tree`, `RepoFile`, `_http.py`) and modelscope
1.37.1 (`HubApi.get_model_files`, `file_download.get_file_download_url`, `snapshot_download`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import PurePosixPath
from typing import Any, Literal, Protocol
from urllib.parse import quote, urlencode

from llmplatform.serving.hydration import http
from llmplatform.serving.hydration.faults import Answered, Refused, Transient

Kind = Literal["sha256", "git-sha1", "md5"]
AGENT = {"User-Agent": "llmplatform-hydration"}


@dataclass(frozen=True)
class File:
    """One file of a model."""

    path: str
    size: int
    digest: str
    """Checksum of its content, in hexadecimal digits; empty if the hub has none."""
    kind: Kind
    """`git-sha1`: of a blob of git, which begins with its size."""
    url: str
    public: bool = False
    """From elsewhere: only the hub gets the token."""
    version: str = ""
    """ETag of an object in a bucket: another content has another one. Empty: the digest tells."""


@dataclass(frozen=True)
class Listing:
    """A revision at the time of the request."""

    commit: str
    """The commit of the revision, if the hub tells it; in a bucket the digest of the files."""
    files: tuple[File, ...]


@dataclass(frozen=True)
class HuggingFace:
    """huggingface.co, or a mirror of it. Plain HTTPS: Xet's own hosts are not used."""

    endpoint: str
    token: str | None = None

    @property
    def headers(self) -> Mapping[str, str]:
        """Headers of every request."""
        return {**AGENT, **({"Authorization": f"Bearer {self.token}"} if self.token else {})}

    def headers_for(self, file: File) -> Mapping[str, str]:
        """Headers of a request for a file."""
        return self.headers

    def explained(self, fault: Answered) -> Exception:
        """What to raise for an answer to a request for a file."""
        return fault

    def listing(self, source: str, revision: str) -> Listing:
        """All files. Raises `Refused` or `Transient`."""
        model = f"{self.endpoint}/api/models/{quote(source)}"
        info = next(http.pages(f"{model}/revision/{quote(revision, safe='')}", self.headers))
        commit = _field(info, "sha", str)
        entries = [
            entry
            for page in http.pages(f"{model}/tree/{commit}?recursive=true", self.headers)
            for entry in page
            if entry.get("type") == "file"
        ]
        return Listing(commit, tuple(self._file(source, commit, entry) for entry in entries))

    def _file(self, source: str, commit: str, entry: Mapping[str, Any]) -> File:
        path, large = within(_field(entry, "path", str)), entry.get("lfs")
        url = f"{self.endpoint}/{quote(source)}/resolve/{commit}/{quote(path)}"
        if large:
            return File(path, _field(large, "size", int), _field(large, "oid", str), "sha256", url)
        return File(path, _field(entry, "size", int), _field(entry, "oid", str), "git-sha1", url)


@dataclass(frozen=True)
class ModelScope:
    """modelscope.cn. `region`: of the machine, which is redirected to storage of the same region."""

    endpoint: str
    region: str | None = None

    @property
    def headers(self) -> Mapping[str, str]:
        """Headers of every request."""
        return {**AGENT, **({"x-aliyun-region-id": self.region} if self.region else {})}

    def headers_for(self, file: File) -> Mapping[str, str]:
        """Headers of a request for a file."""
        return self.headers

    def explained(self, fault: Answered) -> Exception:
        """What to raise for an answer to a request for a file."""
        return fault

    def listing(self, source: str, revision: str) -> Listing:
        """All files. Raises `Refused` or `Transient`."""
        place = f"{self.endpoint}/api/v1/models/{quote(source)}/repo"
        query = urlencode({"Revision": revision, "Recursive": "True"})
        answer = next(http.pages(f"{place}/files?{query}", {**self.headers, "Snapshot": "True"}))
        if answer.get("Code") != 200:
            raise Refused(f"{self.endpoint} says of {source}: {answer.get('Message') or answer.get('Code')}")
        entries = [entry for entry in (answer.get("Data") or {}).get("Files") or [] if entry.get("Type") != "tree"]
        if not entries:
            raise Refused(f"{self.endpoint}: {source} has no files at revision {revision}")
        return Listing("", tuple(_modelscope_file(place, revision, entry) for entry in entries))


def _modelscope_file(place: str, revision: str, entry: Mapping[str, Any]) -> File:
    path = within(_field(entry, "Path", str))
    url = f"{place}?{urlencode({'Revision': revision, 'FilePath': path})}"
    return File(path, _field(entry, "Size", int), str(entry.get("Sha256") or ""), "sha256", url)


class Hub(Protocol):
    """What has models, by name and revision."""

    def listing(self, source: str, revision: str) -> Listing:
        """All files. Raises `Refused` or `Transient`."""
        ...

    def headers_for(self, file: File) -> Mapping[str, str]:
        """Headers of a request for a file. Raises as `listing`."""
        ...

    def explained(self, fault: Answered) -> Exception:
        """What to raise for an answer to a request for a file."""
        ...


def extra(described: str) -> File:
    """A file from elsewhere, described as PATH=SHA256=URL. Raises `Refused` or `Transient`."""
    path, digest, url = described.split("=", 2)
    with http.get(url, AGENT) as answer:
        length = answer.headers.get("Content-Length") or ""
    if not length.isdigit():
        raise Transient(f"{url} does not say how long it is")
    return File(within(path), int(length), digest, "sha256", url, public=True)


def needed(files: Sequence[File]) -> tuple[File, ...]:
    """The files that an engine reads: the best of several formats of the same weights."""
    kept = [file for file in files if not any(fnmatch(file.path, pattern) for pattern in _NEVER)]
    for suffix, others in _FORMATS:
        if any(PurePosixPath(file.path).parent == PurePosixPath() and file.path.endswith(suffix) for file in kept):
            return tuple(file for file in kept if not file.path.endswith(others))
    return tuple(kept)


_FORMATS = ((".safetensors", (".bin", ".pt", ".pth", ".ckpt", ".gguf")), (".bin", (".pt", ".pth", ".ckpt", ".gguf")))
"""Formats that engines read, the best first, and those that are then of no use. Engines take the first that the
repository's own folder has (`DefaultModelLoader._prepare_weights`)."""

_NEVER = (
    ".git*",
    "original/*",
    "onnx/*",
    "openvino/*",
    "coreml/*",
    "metal/*",
    "*.h5",
    "*.msgpack",
    "*.onnx",
    "*.onnx_data",
    "*.tflite",
)
"""Files that no engine reads. `original/` repeats the weights of Llama and gpt-oss in their publisher's format."""


def within(path: str) -> str:
    """The path, which must stay within its folder."""
    pure = PurePosixPath(path)
    if not path or pure.is_absolute() or ".." in pure.parts or "\0" in path or "\\" in path:
        raise Refused(f"the listing names a file '{path}', which would lie outside the model's folder")
    return path


def _field(entry: Any, name: str, kind: type[Any]) -> Any:
    value = entry.get(name) if isinstance(entry, dict) else None
    if not isinstance(value, kind):
        raise Transient(f"not what a hub answers: '{name}' is missing")
    return value
