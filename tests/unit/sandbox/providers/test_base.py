"""The gRPC side that all providers of the sandbox share."""

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest
from google.protobuf import empty_pb2
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc, provider_pb2, status_pb2

from llmplatform_sandbox.providers.base import (
    Autonaming,
    Change,
    Diff,
    Failure,
    InitFailed,
    ProviderError,
    ProviderServicer,
    Secret,
    Values,
)
from llmplatform_sandbox.providers.values import struct_to_plain, struct_to_wire

PASSWORD = "hunter2-hunter2"


class Aborted(Exception):
    pass


class Context:
    """The part of grpc.ServicerContext that a servicer uses."""

    def __init__(self, peer: str = "ipv4:127.0.0.1:1") -> None:
        self._peer = peer
        self.code: grpc.StatusCode | None = None
        self.message = ""
        self.trailing: Any = ()

    def peer(self) -> str:
        return self._peer

    def is_active(self) -> bool:
        return self.code is None

    def set_trailing_metadata(self, metadata: Any) -> None:
        self.trailing = metadata

    def abort(self, code: grpc.StatusCode, message: str) -> None:
        self.code, self.message = code, message
        raise Aborted


class Provider(ProviderServicer):
    config_keys = frozenset({"region"})

    def __init__(self, answer: Any = None) -> None:
        super().__init__()
        self.answer = answer

    def check(self, typ: str, olds: Values, news: Values, autonaming: Autonaming) -> tuple[Values, list[Failure]]:
        return {**news, "type": typ, "named": autonaming.pick(None)}, [Failure("password", "too short")]

    def diff(self, typ: str, id_: str, old_inputs: Values, old_outputs: Values, new_inputs: Values) -> Diff:
        changes = {"name": Change.UPDATE, 'tags["a.b"]': Change.ADD, "tags.c": Change.DELETE}
        return Diff(changes=changes, replaces=["name"], delete_before_replace=True)

    def create(self, typ: str, urn: str, inputs: Values, preview: bool, timeout: float) -> tuple[str, Values]:
        if isinstance(self.answer, Exception):
            raise self.answer
        return "id", {**inputs, "region": self.config.get("region"), "wanted": self.wanted()}


def create(provider: Provider, context: Context, **inputs: Any) -> Any:
    request = provider_pb2.CreateRequest(urn="urn:pulumi:s::p::a:b:C::n", properties=struct_to_wire(inputs))
    return provider.Create(request, context)  # type: ignore[arg-type]


def configure(provider: Provider, context: Context, **args: Any) -> None:
    provider.Configure(provider_pb2.ConfigureRequest(args=struct_to_wire(args)), context)  # type: ignore[arg-type]


def test_a_refused_input_does_not_name_the_property_that_the_engine_would_print() -> None:
    request = provider_pb2.CheckRequest(
        urn="urn:pulumi:s::p::a:b:C::n", news=struct_to_wire({"password": Secret(PASSWORD)}), name="n", type="a:b:C"
    )
    (failure,) = Provider().Check(request, Context()).failures  # type: ignore[arg-type]
    assert failure.property == "", "the engine prints the value of a named property, secret or not"
    assert failure.reason == "password: too short", "so the reason has to name it"


def test_check_passes_type_and_proposed_name() -> None:
    naming = provider_pb2.CheckRequest.AutonamingOptions(proposed_name="dev-n-1f")
    request = provider_pb2.CheckRequest(urn="urn:pulumi:s::p::x:y:Z$a:b:C::n", autonaming=naming)
    inputs = struct_to_plain(Provider().Check(request, Context()).inputs)  # type: ignore[arg-type]
    assert inputs == {"type": "a:b:C", "named": "dev-n-1f"}


@pytest.mark.parametrize(
    ("naming", "old", "expected"),
    [
        (Autonaming(name="n", urn="u", proposed="p"), "kept", "kept"),
        (Autonaming(name="n", urn="u", proposed="p"), None, "p"),
        (Autonaming(name="n", urn="u", mode="disable"), None, None),
        (Autonaming(name="n", urn="u", mode="disable"), "kept", "kept"),
    ],
)
def test_an_old_name_goes_before_the_engines_proposal(
    naming: Autonaming, old: str | None, expected: str | None
) -> None:
    assert naming.pick(old) == expected, "the proposal changes at every Check: taking it would replace the resource"


def test_without_a_proposal_names_differ_from_one_another() -> None:
    naming = Autonaming(name="n", urn="u")
    first, second = naming.pick(None), naming.pick(None)
    assert first is not None
    assert first.startswith("n-")
    assert first != second


def test_a_refusal_reaches_the_user_as_it_is() -> None:
    context = Context()
    with pytest.raises(Aborted):
        create(Provider(ProviderError("InvalidVpc: vpc-1 does not exist")), context)
    assert (context.code, context.message) == (
        grpc.StatusCode.FAILED_PRECONDITION,
        "InvalidVpc: vpc-1 does not exist",
    )


def test_a_resource_that_did_not_become_ready_keeps_its_state() -> None:
    context = Context()
    with pytest.raises(Aborted):
        create(Provider(InitFailed("the-id", {"a": Secret("x")}, ["0 of 1 ready"])), context)
    ((key, data),) = context.trailing
    assert key == "grpc-status-details-bin"
    status = status_pb2.Status.FromString(data)
    detail = provider_pb2.ErrorResourceInitFailed()
    assert status.details[0].Unpack(detail), "the engine looks for this detail to know that the resource exists"
    assert (detail.id, list(detail.reasons)) == ("the-id", ["0 of 1 ready"])
    assert struct_to_plain(detail.properties) == {"a": Secret("x")}


def test_a_fault_of_the_provider_itself_is_logged_without_values(caplog: pytest.LogCaptureFixture) -> None:
    context = Context()
    with caplog.at_level(logging.DEBUG), pytest.raises(Aborted):
        create(Provider(ValueError(f"bad value {PASSWORD}")), context, password=Secret(PASSWORD))
    assert context.code == grpc.StatusCode.INTERNAL
    assert "ValueError" in caplog.text
    assert PASSWORD not in caplog.text, "requests carry secrets in clear, and a log is a file"


def test_each_provider_resource_has_its_own_configuration() -> None:
    provider, east, west = Provider(), Context("ipv4:127.0.0.1:1"), Context("ipv4:127.0.0.1:2")
    configure(provider, east, region="us-east-1")
    configure(provider, west, region="us-west-2")
    regions = [struct_to_plain(create(provider, context).properties)["region"] for context in (east, west)]
    assert regions == ["us-east-1", "us-west-2"], "one process serves all provider resources of a package"


def test_cancel_ends_the_waiting_of_its_connection_only_and_the_provider_goes_on() -> None:
    provider, one, other = Provider(), Context("ipv4:127.0.0.1:1"), Context("ipv4:127.0.0.1:2")
    configure(provider, one)
    configure(provider, other)
    assert provider.Cancel(empty_pb2.Empty(), one) == empty_pb2.Empty()  # type: ignore[arg-type]
    assert struct_to_plain(create(provider, one).properties)["wanted"] is False
    assert struct_to_plain(create(provider, other).properties)["wanted"] is True
    configure(provider, one)
    assert struct_to_plain(create(provider, one).properties)["wanted"] is True, "the next operation starts afresh"


def test_a_diff_says_in_detail_what_is_replaced() -> None:
    response = Provider().Diff(provider_pb2.DiffRequest(urn="urn:pulumi:s::p::a:b:C::n"), Context())  # type: ignore[arg-type]
    kinds = provider_pb2.PropertyDiff
    assert {path: entry.kind for path, entry in response.detailedDiff.items()} == {
        "name": kinds.UPDATE_REPLACE,
        'tags["a.b"]': kinds.ADD,
        "tags.c": kinds.DELETE,
    }
    assert (list(response.replaces), list(response.diffs)) == (["name"], ["name", "tags"])
    assert response.deleteBeforeReplace
    assert response.changes == provider_pb2.DiffResponse.DIFF_SOME


def test_an_unknown_provider_argument_is_refused() -> None:
    request = provider_pb2.CheckRequest(news=struct_to_wire({"region": "r", "regoin": "r", "version": "7"}))
    failures = Provider().CheckConfig(request, Context()).failures  # type: ignore[arg-type]
    assert [failure.reason for failure in failures] == ["regoin: unknown provider argument; remove it"]


class Careful(Provider):
    """A provider that has something to say."""

    def create(self, typ: str, urn: str, inputs: Values, preview: bool, timeout: float) -> tuple[str, Values]:
        self.warn(urn, "careful")
        return "id", inputs


class Engine(engine_pb2_grpc.EngineServicer):
    """What of an engine a provider talks to."""

    def __init__(self) -> None:
        self.heard: list[Any] = []

    def Log(self, request: Any, context: grpc.ServicerContext) -> Any:
        self.heard.append(request)
        return empty_pb2.Empty()


@pytest.fixture
def engine() -> Iterator[tuple[Engine, str]]:
    """An engine that listens, and its address."""
    engine, server = Engine(), grpc.server(ThreadPoolExecutor(1))
    engine_pb2_grpc.add_EngineServicer_to_server(engine, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield engine, f"127.0.0.1:{port}"
    server.stop(grace=0).wait()


def shake_hands(provider: Provider, context: Context, address: str) -> None:
    request = provider_pb2.ProviderHandshakeRequest(engine_address=address)
    provider.Handshake(request, context)  # type: ignore[arg-type]


def test_a_warning_reaches_the_engine_that_attached_once_and_with_its_resource(engine: tuple[Engine, str]) -> None:
    provider, context = Careful(), Context()
    shake_hands(provider, context, engine[1])
    configure(provider, context)
    create(provider, context)
    create(provider, context)
    (heard,) = engine[0].heard
    assert (heard.message, heard.urn, heard.ephemeral) == ("careful", "urn:pulumi:s::p::a:b:C::n", False)
    assert heard.severity == engine_pb2.WARNING
    provider.Cancel(empty_pb2.Empty(), context)  # type: ignore[arg-type]
    create(provider, context)
    assert len(engine[0].heard) == 1, "after the operation no engine listens"


def test_an_engine_that_is_gone_keeps_no_provider_from_its_work(engine: tuple[Engine, str]) -> None:
    provider, context = Careful(), Context()
    shake_hands(provider, context, "127.0.0.1:1")
    configure(provider, context)
    assert create(provider, context).id == "id"
