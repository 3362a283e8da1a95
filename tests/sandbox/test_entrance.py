"""Who has no access entry does not enter the cluster's Kubernetes: over gRPC, as the engine calls."""

import grpc
import pytest
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from llmplatform_sandbox.providers.base import ProviderServicer, Values
from llmplatform_sandbox.providers.entrance import Entrance
from llmplatform_sandbox.providers.serve import serve


class Kubernetes(ProviderServicer):
    """Makes whatever it is asked for."""

    def create(self, typ: str, urn: str, inputs: Values, preview: bool, timeout: float) -> tuple[str, Values]:
        return "made", {}


@pytest.mark.parametrize(("refusal", "preview", "made"), [("", False, True), ("no", True, True), ("no", False, False)])
def test_the_door_is_before_every_call_and_no_preview(refusal: str, preview: bool, made: bool) -> None:
    server, port = serve(Kubernetes(), interceptors=[Entrance(lambda: refusal)])
    try:
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            stub = provider_pb2_grpc.ResourceProviderStub(channel)
            request = provider_pb2.CreateRequest(urn="urn:pulumi:dev::p::v1:ConfigMap::x", preview=preview)
            if made:
                assert stub.Create(request).id == "made"
            else:
                with pytest.raises(grpc.RpcError) as refused:
                    stub.Create(request)
                assert refused.value.details() == "no"
    finally:
        server.stop(grace=0)
