"""The common part of the sandbox's providers: the gRPC side of a resource provider, with hooks in plain Python values.

A subclass overrides hooks only; it never sees a protobuf message. Hooks run on many threads at once. Requests carry
secrets in clear, so nothing here logs a request or a property. The engine ends every operation with Cancel: it only
stops the waits of the current calls on that connection, so that the provider stays available for the next operation.
"""

import logging
import threading
import traceback
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc
from typing_extensions import override

from llmplatform_sandbox.providers.diffs import Change, Diff, diff_values, join
from llmplatform_sandbox.providers.host import Host
from llmplatform_sandbox.providers.outcomes import Autonaming, Failure, InitFailed, ProviderError
from llmplatform_sandbox.providers.values import (
    UNKNOWN,
    Asset,
    Secret,
    completed,
    contains_secret,
    contains_unknown,
    mark_secrets,
    secret,
    struct_to_plain,
    struct_to_wire,
    unwrap_secrets,
)
from llmplatform_sandbox.providers.wire import abort_init_failed, type_of, wire_diff, wire_failures

__all__ = [
    "UNKNOWN", "Asset", "Autonaming", "Change", "Diff", "Failure", "InitFailed", "ProviderError", "ProviderServicer",
    "Secret", "completed", "contains_secret", "contains_unknown", "diff_values", "join", "mark_secrets", "secret",
    "unwrap_secrets",
]  # fmt: skip

_log = logging.getLogger(__name__)
Values = dict[str, Any]


@dataclass
class _Connection:
    """The provider's memory of one engine connection, i.e. of one provider resource of a program."""

    config: Values = field(default_factory=dict[str, Any])
    cancelled: threading.Event = field(default_factory=threading.Event)
    host: Host = field(default_factory=Host)


class ProviderServicer(provider_pb2_grpc.ResourceProviderServicer):
    """A resource provider. Subclasses set `version` and override the hooks.

    All provider resources of a package share one servicer; their connections tell them apart, so `self.config` is
    always the configuration of the current call's provider resource.
    """

    version: ClassVar[str] = "1.0.0"
    config_keys: ClassVar[frozenset[str] | None] = None
    """The provider resource's known arguments; None accepts any."""

    def __init__(self) -> None:
        self._connections: dict[str, _Connection] = {}
        self._latest = _Connection()
        self._hosts: dict[str, Host] = {}
        self._lock = threading.Lock()
        self._local = threading.local()

    # Hooks -----------------------------------------------------------------------------------------------------------

    def check_config(self, args: Values) -> list[Failure]:
        """Refuse wrong arguments of the provider. Compound values arrive as JSON text, booleans as "true"."""
        if self.config_keys is None:
            return []
        unknown = sorted(set(args) - self.config_keys - {"version", "pluginDownloadURL"})
        return [Failure(key, f"{key}: unknown provider argument; remove it") for key in unknown if key[:2] != "__"]

    def diff_config(self, old: Values, new: Values) -> Diff:
        """The effect of changed arguments of the provider resource. By default an update, never a replacement."""
        return Diff(changes=diff_values(old, new))

    def configure(self, args: Values) -> None:
        """Called once per provider resource and operation; `self.config` holds the same values from then on."""

    def check(self, typ: str, olds: Values, news: Values, autonaming: Autonaming) -> tuple[Values, list[Failure]]:
        """Complete and validate inputs. `olds` is empty for a new one. Returns inputs to keep and failures."""
        raise NotImplementedError

    def diff(self, typ: str, id_: str, old_inputs: Values, old_outputs: Values, new_inputs: Values) -> Diff:
        """Compare inputs. The default: every difference is an update in place."""
        return Diff(changes=diff_values(old_inputs, new_inputs))

    def create(self, typ: str, urn: str, inputs: Values, preview: bool, timeout: float) -> tuple[str, Values]:
        """Create the resource; returns (id, outputs). A preview creates nothing, and computed outputs are UNKNOWN."""
        raise NotImplementedError

    def read(self, typ: str, urn: str, id_: str, inputs: Values, outputs: Values) -> tuple[str, Values, Values] | None:
        """The live resource as (id, inputs, outputs), or None if it is gone."""
        return id_, inputs, outputs

    def update(
        self, typ: str, urn: str, id_: str, old_inputs: Values, old_outputs: Values, new_inputs: Values,
        preview: bool, timeout: float,
    ) -> Values:  # fmt: skip
        """Change the resource in place; returns the new outputs."""
        raise NotImplementedError

    def delete(self, typ: str, urn: str, id_: str, inputs: Values, outputs: Values, timeout: float) -> None:
        """Remove the resource and wait until it is gone. A missing resource is success."""
        raise NotImplementedError

    def invoke(self, token: str, args: Values) -> Values:
        """A function of the provider. The default refuses."""
        raise ProviderError(f"{token}: the sandbox plays no functions of this provider; use an input instead")

    # For subclasses, inside a hook -----------------------------------------------------------------------------------

    @property
    def ignored(self) -> list[str]:
        """The program's `ignoreChanges` for the resource of the current diff or update."""
        return getattr(self._local, "ignored", None) or []

    @property
    def config(self) -> Values:
        """Arguments of the current call's provider resource."""
        return self._connection().config

    def warn(self, urn: str, text: str, *, passing: bool = False) -> None:
        """Let the engine show a warning with a resource. `passing`: only while the resource is under way."""
        self._connection().host.warn(urn, text, passing=passing)

    def wanted(self) -> bool:
        """Whether the caller still waits for the current call: False after Cancel, or when the engine has gone."""
        context: grpc.ServicerContext | None = getattr(self._local, "context", None)
        return (context is None or context.is_active()) and not self._connection().cancelled.is_set()

    # gRPC: the names are the protocol's ------------------------------------------------------------------------------

    @override
    def Handshake(self, request: Any, context: grpc.ServicerContext) -> Any:
        with self._lock:
            self._hosts[context.peer()] = Host(request.engine_address)
        return provider_pb2.ProviderHandshakeResponse(
            accept_secrets=True, accept_resources=False, accept_outputs=False, supports_autonaming_configuration=True
        )

    @override
    def GetPluginInfo(self, request: Any, context: grpc.ServicerContext) -> Any:
        return plugin_pb2.PluginInfo(version=self.version)

    @override
    def Attach(self, request: Any, context: grpc.ServicerContext) -> Any:
        return empty_pb2.Empty()

    @override
    def Cancel(self, request: Any, context: grpc.ServicerContext) -> Any:
        with self._call(context):
            connection = self._connection()
            connection.cancelled.set()
            connection.host.close()
        return empty_pb2.Empty()

    @override
    def CheckConfig(self, request: Any, context: grpc.ServicerContext) -> Any:
        with self._call(context):
            news = struct_to_plain(request.news)
            failures = self.check_config(news)
            return provider_pb2.CheckResponse(inputs=struct_to_wire(news), failures=wire_failures(failures))

    @override
    def DiffConfig(self, request: Any, context: grpc.ServicerContext) -> Any:
        with self._call(context):
            old = struct_to_plain(request.old_inputs if request.HasField("old_inputs") else request.olds)
            return wire_diff(self.diff_config(old, struct_to_plain(request.news)))

    @override
    def Configure(self, request: Any, context: grpc.ServicerContext) -> Any:
        with self._call(context):
            with self._lock:
                host = self._hosts.pop(context.peer(), Host())
                connection = _Connection(config=struct_to_plain(request.args), host=host)
                alive = {peer: old for peer, old in self._connections.items() if not old.cancelled.is_set()}
                self._connections = {**alive, context.peer(): connection}
                self._latest = connection
            self._local.connection = connection
            self.configure(connection.config)
            return provider_pb2.ConfigureResponse(
                acceptSecrets=True, supportsPreview=True, acceptResources=False, acceptOutputs=False,
                supports_autonaming_configuration=True,
            )  # fmt: skip

    @override
    def Invoke(self, request: Any, context: grpc.ServicerContext) -> Any:
        with self._call(context):
            result = self.invoke(request.tok, struct_to_plain(request.args))
            return provider_pb2.InvokeResponse(**{"return": struct_to_wire(result)})  # pyright: ignore[reportArgumentType]

    @override
    def Check(self, request: Any, context: grpc.ServicerContext) -> Any:
        with self._call(context):
            mode = {0: "propose", 1: "enforce", 2: "disable"}[request.autonaming.mode]
            naming = Autonaming(
                name=request.name or request.urn.rsplit("::", 1)[-1],
                urn=request.urn,
                proposed=request.autonaming.proposed_name or None,
                mode=mode,  # pyright: ignore[reportArgumentType]
            )
            typ = request.type or type_of(request.urn)
            inputs, failures = self.check(typ, struct_to_plain(request.olds), struct_to_plain(request.news), naming)
            return provider_pb2.CheckResponse(inputs=struct_to_wire(inputs), failures=wire_failures(failures))

    @override
    def Diff(self, request: Any, context: grpc.ServicerContext) -> Any:
        with self._call(context, request.ignoreChanges):
            outputs = struct_to_plain(request.olds)
            old = struct_to_plain(request.old_inputs) if request.HasField("old_inputs") else outputs
            typ = request.type or type_of(request.urn)
            return wire_diff(self.diff(typ, request.id, old, outputs, struct_to_plain(request.news)))

    @override
    def Create(self, request: Any, context: grpc.ServicerContext) -> Any:
        with self._call(context):
            typ = request.type or type_of(request.urn)
            inputs = struct_to_plain(request.properties)
            id_, outputs = self.create(typ, request.urn, inputs, request.preview, request.timeout)
            return provider_pb2.CreateResponse(id=id_, properties=struct_to_wire(outputs))

    @override
    def Read(self, request: Any, context: grpc.ServicerContext) -> Any:
        with self._call(context):
            typ = request.type or type_of(request.urn)
            inputs, outputs = struct_to_plain(request.inputs), struct_to_plain(request.properties)
            found = self.read(typ, request.urn, request.id, inputs, outputs)
            if found is None:
                return provider_pb2.ReadResponse(id="")
            id_, inputs, outputs = found
            return provider_pb2.ReadResponse(id=id_, inputs=struct_to_wire(inputs), properties=struct_to_wire(outputs))

    @override
    def Update(self, request: Any, context: grpc.ServicerContext) -> Any:
        with self._call(context, request.ignoreChanges):
            outputs = struct_to_plain(request.olds)
            old = struct_to_plain(request.old_inputs) if request.HasField("old_inputs") else outputs
            typ = request.type or type_of(request.urn)
            new = struct_to_plain(request.news)
            result = self.update(typ, request.urn, request.id, old, outputs, new, request.preview, request.timeout)
            return provider_pb2.UpdateResponse(properties=struct_to_wire(result))

    @override
    def Delete(self, request: Any, context: grpc.ServicerContext) -> Any:
        with self._call(context):
            typ = request.type or type_of(request.urn)
            inputs = struct_to_plain(request.old_inputs) if request.HasField("old_inputs") else {}
            self.delete(typ, request.urn, request.id, inputs, struct_to_plain(request.properties), request.timeout)
            return empty_pb2.Empty()

    # Insides ---------------------------------------------------------------------------------------------------------

    def _connection(self) -> _Connection:
        return getattr(self._local, "connection", None) or self._latest

    @contextmanager
    def _call(self, context: grpc.ServicerContext, ignored: Iterable[str] = ()) -> Generator[None]:
        self._local.context, self._local.ignored = context, list(ignored)
        # An idle channel returns from another port: the latest configuration is the best guess then.
        self._local.connection = self._connections.get(context.peer(), self._latest)
        try:
            yield
        except ProviderError as error:
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(error))
        except InitFailed as error:
            abort_init_failed(context, error)
        except Exception as error:
            if not context.is_active():
                raise
            # Only frames: the text of an exception may quote a property, and properties may be secret.
            _log.error("%s in a provider\n%s", type(error).__name__, "".join(traceback.format_tb(error.__traceback__)))
            context.abort(grpc.StatusCode.INTERNAL, f"the sandbox's provider failed: {type(error).__name__}: {error}")
        finally:
            self._local.context = self._local.connection = self._local.ignored = None
