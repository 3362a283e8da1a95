"""A provider's answers, as protobuf messages of the engine's protocol."""

from collections.abc import Sequence
from typing import Any, NoReturn

import grpc
from pulumi.runtime.proto import provider_pb2, status_pb2

from llmplatform_sandbox.providers.diffs import Diff, top_level
from llmplatform_sandbox.providers.outcomes import Failure, InitFailed
from llmplatform_sandbox.providers.values import struct_to_wire


def abort_init_failed(context: grpc.ServicerContext, error: InitFailed) -> NoReturn:
    """End a call with a resource that exists and is not ready."""
    detail = provider_pb2.ErrorResourceInitFailed(
        id=error.id,
        properties=struct_to_wire(error.state),
        reasons=list(error.reasons),
        inputs=None if error.inputs is None else struct_to_wire(error.inputs),
    )
    status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=str(error))
    status.details.add().Pack(detail)
    context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    context.abort(grpc.StatusCode.UNKNOWN, str(error))
    raise AssertionError("unreachable: abort raises")


def wire_failures(failures: Sequence[Failure]) -> list[Any]:
    """Refused inputs. Without the property, whose value the engine would print, secret or not; the reason names it."""
    return [provider_pb2.CheckFailure(reason=_reason(failure)) for failure in failures]


def _reason(failure: Failure) -> str:
    if not failure.property or failure.reason.startswith(failure.property):
        return failure.reason
    return f"{failure.property}: {failure.reason}"


def wire_diff(diff: Diff) -> Any:
    """A diff with its details."""
    kind = provider_pb2.PropertyDiff.Kind
    detailed = {
        path: provider_pb2.PropertyDiff(
            kind=kind.Value(f"{change.name}_REPLACE" if path in diff.replaces else change.name), inputDiff=True
        )
        for path, change in diff.changes.items()
    }
    changes = provider_pb2.DiffResponse.DIFF_SOME if diff.changes else provider_pb2.DiffResponse.DIFF_NONE
    return provider_pb2.DiffResponse(
        changes=changes,
        replaces=sorted({top_level(path) for path in diff.replaces}),
        deleteBeforeReplace=bool(diff.replaces) and diff.delete_before_replace,
        diffs=sorted({top_level(path) for path in diff.changes}),
        detailedDiff=detailed,
        hasDetailedDiff=True,
    )


def type_of(urn: str) -> str:
    """The resource type in a URN."""
    return urn.split("::")[2].rsplit("$", 1)[-1]
