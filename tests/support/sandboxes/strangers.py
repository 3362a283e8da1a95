"""Another user of the machine, who tries the ports of a sandbox: for tests that run as root."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from support.pace import PATIENCE

STRANGER = 65534
"""User and group that own nothing, by the convention of Linux distributions."""

by_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can call as another user")

_CALLS = (
    f"""
import encodings.idna, json, os, ssl, sys, urllib.error, urllib.request
import grpc
from pulumi.runtime.proto import language_pb2, language_pb2_grpc, provider_pb2, provider_pb2_grpc

# Only now: the interpreter may lie where root alone can read.
os.setgroups([]), os.setgid({STRANGER}), os.setuid({STRANGER})
"""
    """

def provider(channel):
    stub = provider_pb2_grpc.ResourceProviderStub(channel)
    urn = "urn:pulumi:dev::app::{}::x".format
    secret = urn("kubernetes:core/v1:Secret")
    yield "Handshake", lambda: stub.Handshake(provider_pb2.ProviderHandshakeRequest())
    yield "Configure", lambda: stub.Configure(provider_pb2.ConfigureRequest())
    yield "Check", lambda: stub.Check(provider_pb2.CheckRequest(urn=urn("aws:ec2/vpc:Vpc")))
    yield "Read", lambda: stub.Read(provider_pb2.ReadRequest(id="default/token", urn=secret))
    yield "Create", lambda: stub.Create(provider_pb2.CreateRequest(urn=urn("aws:ec2/vpc:Vpc")))
    yield "Delete", lambda: stub.Delete(provider_pb2.DeleteRequest(id="default/token", urn=secret))

def language(channel):
    stub = language_pb2_grpc.LanguageRuntimeStub(channel)
    folder = sys.argv[2]
    info = language_pb2.ProgramInfo(program_directory=folder, entry_point=".")
    yield "GetRequiredPackages", lambda: stub.GetRequiredPackages(language_pb2.GetRequiredPackagesRequest(info=info))
    yield "Run", lambda: stub.Run(language_pb2.RunRequest(pwd=folder, info=info))

def secrets(port):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with urllib.request.urlopen("https://127.0.0.1:" + port + "/api/v1/secrets", context=context) as answer:
            return "answered: " + answer.read().decode()
    except urllib.error.HTTPError as error:
        return str(error.code)
    except OSError as error:
        return "no connection without a certificate" if "CERTIFICATE_REQUIRED" in str(error) else repr(error)

answers = {}
for port, kind in json.loads(sys.argv[1]).items():
    if kind == "tls":
        answers["tls " + port + " Secrets"] = secrets(port)
        continue
    with grpc.insecure_channel("127.0.0.1:" + port) as channel:
        for name, call in globals()[kind](channel):
            try:
                answers[kind + " " + port + " " + name] = "answered: " + str(call())
            except grpc.RpcError as error:
                answers[kind + " " + port + " " + name] = error.code().name
print(json.dumps(answers))
"""
)


def answers_to_a_stranger(ports: dict[int, str], folder: Path) -> dict[str, str]:
    """What ports answer to each kind of call: the code of a refusal, or the answer.

    `ports`: port → kind of server (provider, language, tls).
    `folder`: a folder of the stranger's, with a program that he would like to be run.
    """
    asked = json.dumps({str(port): kind for port, kind in ports.items()})
    command = [sys.executable, "-P", "-c", _CALLS, asked, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    answers: dict[str, Any] = json.loads(done.stdout)
    return answers


def trap(folder: Path) -> Path:
    """A program and a package that note that they were run; returns the note, which is not there yet."""
    note = folder / "ran"
    code = f"open({str(note)!r}, 'w').write('mine')\n"
    (folder / "grpc").mkdir(parents=True)
    for file in (folder / "__main__.py", folder / "grpc" / "__init__.py"):
        file.write_text(code)
    return note
