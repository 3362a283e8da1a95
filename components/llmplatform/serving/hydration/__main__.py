"""Downloads one model's weights, and what its server reads beside them; see `--help`."""

import argparse
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import get_args
from urllib.parse import urlsplit

from llmplatform.serving.hydration import adapters, http, identities, volume
from llmplatform.serving.hydration.buckets import SCHEMES, Bucket
from llmplatform.serving.hydration.download import Download
from llmplatform.serving.hydration.faults import REFUSED_CODE, TIRED_CODE, Refused, Tired
from llmplatform.serving.hydration.hubs import File, Hub, HuggingFace, Kind, ModelScope, extra, needed
from llmplatform.serving.hydration.volume import Lease, Lost, manifest

LONGEST_WAIT = 300.0
"""Seconds between tries; that of the kubelet between starts of a container."""
ENDPOINTS = {"huggingface": "https://huggingface.co", "modelscope": "https://www.modelscope.cn"}


def _nothing(folder: Path) -> None:
    """Settings say nothing of the content of weights."""


@dataclass(frozen=True)
class _Wanted:
    """A revision of a repository, and its folder."""

    source: str
    revision: str
    target: Path
    extras: Sequence[str] = ()
    require: Callable[[Path], None] = _nothing
    """Raises `Refused` where the files are not what the settings say."""


def main(words: Sequence[str]) -> int:
    """Exit code: 0 success, 3 a setting must change, 4 another start continues from here."""
    args, told = _arguments(words), threading.Event()
    # The first process of a container ignores signals without a handler: a wait would last until the kill.
    signal.signal(signal.SIGTERM, lambda number, frame: told.set())
    code, seconds = _try(args, told), args.again
    while code and args.again and not told.is_set():
        _say(f"again in {seconds:.0f} s")
        told.wait(seconds)
        seconds = min(2 * seconds, LONGEST_WAIT)
        code = _try(args, told) if not told.is_set() else code
    return code


def _try(args: argparse.Namespace, told: threading.Event) -> int:
    root = Path(args.root)
    wanted = _wanted(args, root)
    try:
        if args.check:
            return max(map(_check, wanted))
        if args.certificates:
            http.trust(args.certificates)
        # A download sets its own when it ends.
        stops = [threading.Event() for _ in wanted]
        signal.signal(signal.SIGTERM, lambda number, frame: [stop.set() for stop in (told, *stops)])
        for each, stop in zip(wanted, stops, strict=True):
            _hydrate(args, root, each, stop)
        for line in volume.sweep(root, [each.target for each in wanted]):
            _say(line)
        for each in wanted:
            _tell(each)
    except Refused as refusal:
        _say(f"refused: {refusal}")
        return REFUSED_CODE
    except (Tired, Lost) as end:
        _say(f"stopped: {end}")
        return TIRED_CODE
    except OSError as error:
        _say(f"stopped: the volume: {error}")
        return TIRED_CODE
    return 0


def _wanted(args: argparse.Namespace, root: Path) -> list[_Wanted]:
    beside = [
        _Wanted(source, revision, root / target, require=partial(adapters.require, rank=int(rank), base=base))
        for source, revision, target, rank, base in args.adapter
    ]
    beside += [_Wanted(source, revision, root / target) for source, revision, target in args.beside]
    # The small ones first: what is refused is refused before hours of download.
    return [*beside, _Wanted(args.source, args.revision, root / args.target, args.extra)]


def _hydrate(args: argparse.Namespace, root: Path, wanted: _Wanted, stop: threading.Event) -> None:
    target = wanted.target
    lease = Lease(root, target, stale=args.stale, beat=args.stale / 9, stop=stop)
    (root / volume.WORK).mkdir(parents=True, exist_ok=True)
    if lease.acquire(_say):
        hub = _hub(args, wanted.source)
        download = Download(hub, lease, args.patience, _say, stop)
        try:
            listing = download.ask(lambda: hub.listing(wanted.source, wanted.revision))
            there = {file.path for file in listing.files}
            extras = [
                download.ask(lambda described=described: extra(described))
                for described in wanted.extras
                if described.partition("=")[0] not in there
            ]
            files = (*needed(listing.files), *extras)
            download.run(files)
            _judge(wanted, lease.files)
            lease.publish(
                {
                    "hub": urlsplit(wanted.source).scheme or args.hub,
                    "source": wanted.source,
                    "revision": wanted.revision,
                    "commit": listing.commit,
                    "hydrated": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
                    "files": [_described(file) for file in files],
                }
            )
        finally:
            lease.leave()
    # The settings may say something else of it by now.
    _judge(wanted, target)


def _described(file: File) -> Mapping[str, object]:
    version = {"etag": file.version} if file.version else {}
    return {"path": file.path, "size": file.size, file.kind: file.digest or None, **version}


def _tell(wanted: _Wanted) -> None:
    found = manifest(wanted.target) or {"files": [], "commit": ""}
    size = sum(file["size"] for file in found["files"]) / (1 << 30)
    by_size = sum(not any(file.get(kind) for kind in get_args(Kind)) for file in found["files"])
    verified = f"{len(found['files']) - by_size} verified" if by_size else "verified"
    others = f", {by_size} by size and ETag alone: add SHA256SUMS" if by_size else ""
    _say(
        f"{wanted.source} at {wanted.revision} {found['commit']}: {len(found['files'])} files, {size:.2f} GiB, "
        f"{verified}{others}"
    )


def _judge(wanted: _Wanted, folder: Path) -> None:
    try:
        wanted.require(folder)
    except Refused as refusal:
        raise Refused(f"{wanted.source} at {wanted.revision}: {refusal}") from None


def _check(wanted: _Wanted) -> int:
    if urlsplit(wanted.source).scheme == "pvc":
        return _check_claim(wanted)
    if manifest(wanted.target) is not None:
        return 0
    _say(
        f"{wanted.target} does not hold {wanted.source} at {wanted.revision}: "
        "delete its ended Job, then run `pulumi up`"
    )
    return TIRED_CODE


def _check_claim(wanted: _Wanted) -> int:
    """An engine would take a folder that is missing for the name of a model at a hub."""
    if wanted.target.is_dir() and any(wanted.target.iterdir()):
        return 0
    _say(f"{wanted.source} is no folder with files: put the weights there, or change weights.source")
    return TIRED_CODE


def _hub(args: argparse.Namespace, source: str) -> Hub:
    scheme = urlsplit(source).scheme
    if scheme in SCHEMES:
        ask = identities.pod_identity if scheme == "s3" else partial(identities.rrsa, args.sts)
        identity = identities.Identity(ask, args.new_role)
        return Bucket(source, args.bucket_region, args.bucket_endpoint, identity)
    endpoint = (args.endpoint or ENDPOINTS[args.hub]).rstrip("/")
    if args.hub == "modelscope":
        return ModelScope(endpoint, args.region)
    token = Path(args.token_file).read_text(encoding="utf-8").strip() if args.token_file else None
    return HuggingFace(endpoint, token)


def _arguments(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="hydration", description=__doc__)
    parser.add_argument("--hub", choices=sorted(ENDPOINTS), required=True)
    parser.add_argument("--source", required=True, help="what the hub calls the model, or SCHEME://NAME/PATH")
    parser.add_argument("--revision", required=True)
    parser.add_argument("--root", required=True, help="where the volume is mounted")
    parser.add_argument("--target", required=True, help="the model's folder, below the root")
    parser.add_argument("--endpoint", help="what stands in for the hub's own address")
    parser.add_argument("--token-file", help="file with the token of Hugging Face")
    parser.add_argument("--certificates", help="file with certificates to trust beside the system's")
    parser.add_argument("--extra", action="append", default=[], help="PATH=SHA256=URL of a file from elsewhere")
    parser.add_argument(
        "--beside",
        action="append",
        default=[],
        nargs=3,
        metavar=("SOURCE", "REVISION", "TARGET"),
        help="another model that the server reads",
    )
    parser.add_argument(
        "--adapter",
        action="append",
        default=[],
        nargs=5,
        metavar=("SOURCE", "REVISION", "TARGET", "RANK", "BASE"),
        help="a LoRA adapter of the model: what the settings say of it",
    )
    parser.add_argument("--region", help="region of Alibaba Cloud that this machine is in")
    parser.add_argument("--bucket-region", default="", help="region of the buckets")
    parser.add_argument("--bucket-endpoint", default="", help="host of the buckets' service, or its address")
    parser.add_argument("--sts", default=identities.STS, help="address of Alibaba Cloud's token service")
    parser.add_argument("--new-role", type=float, default=identities.NEW_SECONDS, help="seconds for rights to spread")
    parser.add_argument("--patience", type=float, default=1800, help="seconds without a byte")
    parser.add_argument("--stale", type=float, default=90, help="seconds after which a silent holder counts as dead")
    parser.add_argument(
        "--again",
        type=float,
        default=0,
        metavar="SECONDS",
        help="try again after a failure, each time after twice as long; 0: end",
    )
    parser.add_argument("--check", action="store_true", help="only look whether the weights are there")
    return parser.parse_args(words)


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
