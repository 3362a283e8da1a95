"""Rules about weights and adapters that come from buckets and claims.

Sources of the names: "General purpose bucket naming rules", Amazon S3 user guide; "Bucket naming conventions", OSS
documentation.
"""

import re
from collections.abc import Iterator

from llmplatform.checks.problems import Problem
from llmplatform.checks.rules.rule import each_model, whole
from llmplatform.specs.models import Model
from llmplatform.specs.sources import Address, address
from llmplatform.specs.stack import AwsStack, Stack

_S3 = re.compile(
    r"(?!.*\.\.)(?!\d+(\.\d+){3}$)(?!xn--|sthree-|amzn-s3-demo-)(?!.*(-s3alias|--ol-s3|\.mrap|--x-s3|--table-s3)$)"
    r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"
)
_OSS = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")
_DIGEST = re.compile(r"[0-9a-f]{64}")


def buckets_are_of_the_cloud(stack: Stack) -> Iterator[Problem]:
    """Pods have an identity in the cloud of their cluster alone."""
    ours, name = ("s3", "AWS") if isinstance(stack, AwsStack) else ("oss", "Alibaba Cloud")
    for path, place, _ in _places(stack):
        if place.is_bucket and place.scheme != ours:
            yield Problem(
                path,
                f"pods of a cluster in {name} have no identity for {place.scheme}://",
                f"copy the files to a bucket there and write {ours}://BUCKET/PREFIX, or let them come from a hub",
            )


def bucket_names_are_legal(stack: Stack) -> Iterator[Problem]:
    """A bucket of the name may exist."""
    for path, place, _ in _places(stack):
        if place.is_bucket and not (_S3 if place.scheme == "s3" else _OSS).fullmatch(place.name):
            yield Problem(
                path,
                f"'{place.name}' is no name of a bucket",
                "write 3 to 63 lower-case letters, digits and '-'"
                + (" and '.'" if place.scheme == "s3" else "")
                + ", with a letter or a digit at both ends, and none that the cloud keeps for itself",
            )


def revisions_are_digests(stack: Stack) -> Iterator[Problem]:
    """A bucket has no branches, and a claim has nothing that could be compared."""
    for path, place, revision in _places(stack):
        beside = path.removesuffix(".weights.source").removesuffix(".source") + ".revision"
        if revision and not place.is_bucket:
            yield Problem(beside, "a claim has no revisions: its files are served as they are", "remove it")
        elif revision and not _DIGEST.fullmatch(revision):
            yield Problem(
                beside,
                f"'{revision}' is no digest, and a bucket has no branches",
                "write the 64 digits that the download prints, or remove it to keep what the first download finds",
            )


def claims_are_mounted(stack: Stack) -> Iterator[Problem]:
    """Servers mount an existing claim as it is: nothing is copied to it."""
    for name, model in stack.models.items():
        if model.weights.claim is None:
            continue
        path, beside = f"models.{name}", "an existing claim is mounted read-only, and nothing is copied to it"
        if model.weights.cache == "node":
            yield Problem(f"{path}.weights.cache", beside, "remove it")
        if model.weights.size_gib:
            yield Problem(f"{path}.weights.size_gib", "an existing claim has its own size", "remove it")
        if model.lora and model.lora.adapters:
            yield Problem(f"{path}.lora.adapters", beside, "write lora.runtime with a claim, or another weights.source")
        if model.engine.draft:
            yield Problem(
                f"{path}.engine.speculative", beside, "use a method without a draft, or another weights.source"
            )


def sources_are_used(stack: Stack) -> Iterator[Problem]:
    """No setting beside a source is without effect."""
    for name, model in stack.models.items():
        path, wanted = f"models.{name}", model.weights
        if wanted.source and wanted.cache == "image":
            yield Problem(f"{path}.weights.source", "the image has its weights", "remove it, or weights.cache")
        if wanted.source and model.gated:
            yield Problem(
                f"{path}.gated", "the weights do not come from a hub, which alone asks for a token", "remove it"
            )
        if (wanted.buckets.region or wanted.buckets.kms_key) and not model.buckets:
            yield Problem(
                f"{path}.weights.buckets", "the model has no bucket", "write a source of s3:// or oss://, or remove it"
            )
        if wanted.buckets.kms_key and wanted.buckets.kms_key.startswith("arn:") != isinstance(stack, AwsStack):
            yield Problem(
                f"{path}.weights.buckets.kms_key",
                "it is a key of the other cloud",
                "write the key's ARN"
                if isinstance(stack, AwsStack)
                else "write the key's id, like key-hzz65f1c2d3e4f5a6b7c8",
            )


def identities_are_given(stack: Stack) -> Iterator[Problem]:
    """A warning: whether an existing cluster gives identities to pods is not known."""
    aws, label = isinstance(stack, AwsStack), 'the label pod-identity.alibabacloud.com/injection: "on"'
    addon = "eks-pod-identity-agent" if aws else "ack-pod-identity-webhook"
    for name, model in stack.models.items():
        if model.buckets and stack.cluster.kind == "existing":
            yield Problem(
                f"models.{name}.weights",
                f"its bucket is read by an identity, which pods of an existing cluster get from its add-on {addon}",
                "fine where the add-on is installed"
                + ("" if aws else f", and the namespace of models has {label}")
                + "; else see to it",
            )


def _places(stack: Stack) -> Iterator[tuple[str, Address, str | None]]:
    """Path, address and revision of what does not come from a hub."""
    for name, model in stack.models.items():
        yield from _of(f"models.{name}", model)


def _of(path: str, model: Model) -> Iterator[tuple[str, Address, str | None]]:
    if found := model.weights.address:
        yield f"{path}.weights.source", found, model.revision
    for key, adapter in model.lora.adapters.items() if model.lora else ():
        if found := address(adapter.source):
            yield f"{path}.lora.adapters.{key}.source", found, adapter.revision


PROBLEMS = each_model(
    buckets_are_of_the_cloud,
    bucket_names_are_legal,
    revisions_are_digests,
    claims_are_mounted,
    sources_are_used,
)
WARNINGS = whole(identities_are_given)
