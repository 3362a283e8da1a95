"""Serves the providers of a measured run, in a process of its own, whose cost is not the program's nor the engine's.

`python -m benchmarks.providers FOLDER [RECORDING]` prints the ports and serves until its standard input is closed.
Kubernetes accepts every object at once. Without a recording AWS and random are the sandbox's own; with one, they
answer at once what they answered when it was made.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from google.protobuf import empty_pb2, json_format, struct_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from benchmarks.recording import answers
from llmplatform_sandbox.cloud import open_cloud
from llmplatform_sandbox.cloud.control_plane import PaperControlPlane
from llmplatform_sandbox.controlplane import KUBERNETES_MINORS
from llmplatform_sandbox.providers.cloud import CloudProvider
from llmplatform_sandbox.providers.random import RandomProvider
from llmplatform_sandbox.providers.serve import serve


class Accepting(provider_pb2_grpc.ResourceProviderServicer):
    """Accepts any input unchecked, and returns it unchanged or as another provider answered before."""

    def __init__(self, answers: Mapping[tuple[str, str], tuple[str, dict[str, Any]]] | None = None) -> None:
        """`answers`: (type, name) to id and outputs."""
        self._answers = answers or {}

    def Handshake(self, request: Any, context: Any) -> Any:
        """Say what the protocol asks."""
        return provider_pb2.ProviderHandshakeResponse(
            accept_secrets=True, accept_resources=False, accept_outputs=False, supports_autonaming_configuration=True
        )

    def GetPluginInfo(self, request: Any, context: Any) -> Any:
        """Any version."""
        return plugin_pb2.PluginInfo(version="1.0.0")

    def Attach(self, request: Any, context: Any) -> Any:
        """Nothing to do."""
        return empty_pb2.Empty()

    def Cancel(self, request: Any, context: Any) -> Any:
        """Nothing waits."""
        return empty_pb2.Empty()

    def CheckConfig(self, request: Any, context: Any) -> Any:
        """Any configuration."""
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: Any, context: Any) -> Any:
        """Never another provider."""
        return provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_NONE)

    def Configure(self, request: Any, context: Any) -> Any:
        """Any configuration."""
        return provider_pb2.ConfigureResponse(
            acceptSecrets=True, supportsPreview=True, supports_autonaming_configuration=True
        )

    def Check(self, request: Any, context: Any) -> Any:
        """Any inputs."""
        return provider_pb2.CheckResponse(inputs=request.news)

    def Diff(self, request: Any, context: Any) -> Any:
        """No resource ever changes."""
        return provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_NONE)

    def Create(self, request: Any, context: Any) -> Any:
        """What was answered before, else the inputs."""
        name = request.urn.rsplit("::", 1)[-1]
        if request.preview:
            return provider_pb2.CreateResponse(properties=request.properties)
        if (request.type, name) not in self._answers:
            return provider_pb2.CreateResponse(id=name, properties=request.properties)
        id_, outputs = self._answers[request.type, name]
        return provider_pb2.CreateResponse(id=id_, properties=json_format.ParseDict(outputs, struct_pb2.Struct()))

    def Delete(self, request: Any, context: Any) -> Any:
        """Gone."""
        return empty_pb2.Empty()


def main() -> None:
    """Serve until the last client is gone."""
    folder = Path(sys.argv[1])
    if len(sys.argv) > 2:
        recorded = Accepting(answers(Path(sys.argv[2])))
        servicers = dict.fromkeys(("aws", "random", "kubernetes"), recorded)
    else:
        cloud = open_cloud("aws", folder, PaperControlPlane(KUBERNETES_MINORS))
        account = CloudProvider(lambda: cloud)
        servicers = {"aws": account, "random": RandomProvider(), "kubernetes": Accepting()}
    served = {package: serve(servicer) for package, servicer in servicers.items()}
    print(json.dumps({package: port for package, (_, port) in served.items()}), flush=True)
    sys.stdin.read()
    for server, _ in served.values():
        server.stop(grace=0)


if __name__ == "__main__":
    main()
