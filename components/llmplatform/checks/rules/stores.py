"""Rules about the keys of existing buckets, wherever a stack names one."""

from collections.abc import Iterator

from llmplatform.checks.problems import Problem
from llmplatform.checks.rules.cnpg import servers
from llmplatform.checks.rules.rule import whole
from llmplatform.specs.objects import ExistingStore
from llmplatform.specs.stack import AlicloudStack, Stack


def _stores(stack: Stack) -> Iterator[tuple[str, ExistingStore]]:
    found: dict[str, object] = {}
    if stack.services.milvus.enabled and stack.platform.kind == "new":
        milvus = stack.services.milvus
        found["services.milvus.store"] = milvus.store
        found["services.milvus.backups.store"] = milvus.backups.store if milvus.backups.enabled else None
    if stack.services.mlflow.enabled:
        found["services.mlflow.artifacts"] = stack.services.mlflow.artifacts
    for server in servers(stack):
        found[f"{server.path}.backups.store"] = server.spec.backups and server.spec.backups.store
        found[f"{server.path}.restore_from.store"] = server.spec.restore_from and server.spec.restore_from.store
    for path, store in found.items():
        if isinstance(store, ExistingStore):
            yield path, store


def keys_are_of_the_region(stack: Stack) -> Iterator[Problem]:
    """S3 encrypts with a key of its bucket's region; rights in a key of OSS are not given by its ARN."""
    for path, store in _stores(stack):
        if store.kms_key is None:
            continue
        region = store.kms_key.split(":")[3]
        if isinstance(stack, AlicloudStack):
            yield Problem(f"{path}.kms_key", "it is a key of AWS", "remove it")
        elif region != stack.cloud.region:
            yield Problem(
                f"{path}.kms_key",
                f"it is a key of {region}, and the stack is in {stack.cloud.region}",
                "write the ARN of the key that encrypts the bucket, which is in its region",
            )


PROBLEMS = whole(keys_are_of_the_region)
