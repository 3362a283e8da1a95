"""A small language server for a user's own `pulumi`, where no Python language host is installed.

Each run of a program has its own process, in the program's folder, with fresh modules. The program is one of the
sandbox's projects, and the process does not search the folder for its own needs.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import IO, cast

import grpc
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc, language_pb2, language_pb2_grpc, plugin_pb2

from llmplatform_sandbox.program import program_of
from llmplatform_sandbox.project import Project
from llmplatform_sandbox.providers.serve import start

CHILD = "llmplatform_sandbox.program"
_THREADS = 8


class LanguageHost(language_pb2_grpc.LanguageRuntimeServicer):
    """A language host for programs whose packages are installed in this Python."""

    def __init__(self, projects: Callable[[], Iterable[Project]], variables: Mapping[str, str]) -> None:
        """`projects`: those whose programs may run. `variables`: more for the environment of a program's process."""
        self._projects = projects
        self._variables = variables
        self._engines: dict[str, str] = {}

    def Handshake(
        self, request: language_pb2.LanguageHandshakeRequest, context: grpc.ServicerContext
    ) -> language_pb2.LanguageHandshakeResponse:
        """Note the engine's address."""
        # One server answers several engines at once; a connection tells them apart.
        self._engines[context.peer()] = request.engine_address
        return language_pb2.LanguageHandshakeResponse()

    def GetPluginInfo(self, request: object, context: grpc.ServicerContext) -> plugin_pb2.PluginInfo:
        """Name the host's version."""
        return plugin_pb2.PluginInfo(version="1.0.0")

    def GetRequiredPlugins(
        self, request: object, context: grpc.ServicerContext
    ) -> language_pb2.GetRequiredPluginsResponse:
        """Require none: all providers are attached."""
        return language_pb2.GetRequiredPluginsResponse()

    def GetRequiredPackages(
        self, request: object, context: grpc.ServicerContext
    ) -> language_pb2.GetRequiredPackagesResponse:
        """Require none: all providers are attached."""
        return language_pb2.GetRequiredPackagesResponse()

    def Run(self, request: language_pb2.RunRequest, context: grpc.ServicerContext) -> language_pb2.RunResponse:
        """Run the program in a new process and return its answer."""
        program = program_of(request)
        known = {project.program for project in self._projects()}
        if program not in known:
            others = ", ".join(sorted(map(str, known))) or "none"
            return language_pb2.RunResponse(error=f"{program}: not a program of this sandbox, whose own are {others}")
        answer, answering = os.pipe()
        own = {name: value for name, value in os.environ.items() if not name.startswith("PULUMI_")}
        command = [sys.executable, "-P", "-m", CHILD, str(answering)]
        with subprocess.Popen(
            command,
            cwd=program if program.is_dir() else program.parent,
            env={**own, **self._variables},
            pass_fds=[answering],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        ) as child:
            os.close(answering)
            context.add_callback(child.kill)
            stdin, stdout = cast(IO[bytes], child.stdin), cast(IO[bytes], child.stdout)
            stdin.write(request.SerializeToString())
            stdin.close()
            engine = self._engines.get(context.peer(), "")
            last = ""
            for line in stdout:
                text = line.decode(errors="replace").rstrip()
                _log(engine, text)
                last = text or last
            with os.fdopen(answer, "rb") as pipe:
                response = pipe.read()
        if child.returncode != 0:
            said = f": {last}" if last else ""
            return language_pb2.RunResponse(error=f"the program's process ended with status {child.returncode}{said}")
        return language_pb2.RunResponse.FromString(response)


def serve_language(
    projects: Callable[[], Iterable[Project]], *, port: int = 0, variables: Mapping[str, str] | None = None
) -> tuple[grpc.Server, int]:
    """Start the language server on loopback; returns it and its port. See `LanguageHost`."""

    def add(server: grpc.Server) -> None:
        language_pb2_grpc.add_LanguageRuntimeServicer_to_server(LanguageHost(projects, variables or {}), server)

    return start(add, threads=_THREADS, port=port)


def _log(engine: str, line: str) -> None:
    if engine and line:
        with grpc.insecure_channel(engine) as channel:
            engine_pb2_grpc.EngineStub(channel).Log(engine_pb2.LogRequest(severity=engine_pb2.INFO, message=line))
