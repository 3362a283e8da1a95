"""The recording engine: runs a program against Pulumi's mocks, with no process, no socket and no cloud.

    engine = RecordingEngine().run(lambda: Network("core", args))
    assert engine.one("aws:ec2/vpc:Vpc").inputs["enableDnsHostnames"] is True

Everything is keyed as it goes over the wire: types are tokens, property names are camelCase, numbers that came as
floats are integers again. `run` returns when every registration and every output has settled, so that what follows
may assert exact sets and counts. An error raised by the program, or by a component, is raised by `run`.
"""

import asyncio
import logging
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import pulumi
from pulumi.runtime import MockCallArgs, MockResourceArgs, Mocks, set_mocks, test
from pulumi.runtime.mocks import MockMonitor
from pulumi.runtime.proto import resource_pb2
from pulumi.runtime.settings import ROOT

from llmplatform.testing.aliases import alias_urn
from llmplatform.testing.answers import CLOUD
from llmplatform.testing.registration import Computed, Properties, Registered

_MARK = "4dabf18193072939515e22adb298388d"
"""Marks a secret on the wire (pulumi/pulumi, sdk/python/lib/pulumi/runtime/rpc.py: _special_secret_sig)."""


@dataclass(kw_only=True)
class RecordingEngine(Mocks):
    """Records what a program registers, and answers as the clouds would: ids, ARNs and what else components read.

    A lookup, a URN that two resources have and a warning of the SDK are errors: a real preview fails, or warns.
    """

    outputs: Mapping[str, Computed] = field(default_factory=dict[str, Computed])
    """Computed properties by type token: they come before those that the engine knows."""
    answers: Mapping[str, Callable[[Properties], Properties]] = field(
        default_factory=dict[str, Callable[[Properties], Properties]]
    )
    """Answers to lookups by function token. A lookup that is not here is an error: previews make none."""
    project: str = "llmplatform"
    """Name of the project, a part of every URN."""
    stack: str = "test"
    """Name of the stack, a part of every URN."""
    preview: bool = False
    """Run as a preview does: what a cloud computes is unknown, save what `outputs` gives."""
    failed: frozenset[str] = frozenset()
    """Names of resources that the cloud refuses, in an update that goes on: `pulumi up --continue-on-error`."""
    may_warn: bool = False
    """Whether the program may warn its user; without it, a warning is an error."""
    warnings: list[str] = field(default_factory=list[str], repr=False)
    """What the program or the SDK warned of."""
    told: list[str] = field(default_factory=list[str], repr=False)
    """What the program logged without warning."""
    registered: list[Registered] = field(default_factory=list["Registered"], repr=False)
    """Every registration, in its order."""
    result: Any = field(default=None, repr=False)
    """What the program returned, outputs resolved; None where a preview does not know all of it."""

    def run(self, program: Callable[[], Any]) -> "RecordingEngine":
        """Run the program to its end, and return this engine.

        Raises:
            AssertionError: A lookup that `answers` does not have, a URN that two resources have, or a warning.
            Exception: What the program raises, or a function that it applies to an output.
        """

        def settle() -> Any:
            return pulumi.Output.from_input(program()).apply(self._keep)

        with _event_loop():
            # The SDK keeps its root, and with it the transformations that an earlier program registered on it.
            ROOT.set(None)
            set_mocks(
                self,
                project=self.project,
                stack=self.stack,
                preview=self.preview,
                logger=(log := _Log()),
                monitor=_Monitor(self),
            )
            test(settle)()
        self.warnings += log.warnings
        self.told += log.told
        if log.warnings and not self.may_warn:
            raise AssertionError(f"a user would be warned: {log.warnings}")
        return self

    def all(self, type_: str) -> list[Registered]:
        """Every registration of a type, by name."""
        return sorted((found for found in self.registered if found.type == type_), key=lambda found: found.name)

    def one(self, type_: str, name: str | None = None) -> Registered:
        """The only registration of a type, or the one of that name; an AssertionError lists all where it is not one."""
        found = [each for each in self.all(type_) if name is None or each.name == name]
        return self._only(found, f"{type_} {name or ''}")

    def named(self, name: str) -> Registered:
        """The only registration with a name, of any type; an AssertionError lists all where it is not one."""
        return self._only([each for each in self.registered if each.name == name], name)

    def waits_for(self, later: Registered, earlier: Registered) -> bool:
        """Whether one is created after the other, and so deleted before it, at any distance."""
        by_urn = {each.urn: each for each in self.registered}
        seen: set[str] = set()
        ahead = [later.urn]
        while ahead:
            urn = ahead.pop()
            if urn == earlier.urn:
                return True
            if urn not in seen and urn in by_urn:
                seen.add(urn)
                ahead.extend(by_urn[urn].dependencies)
                # A reference is the provider's URN and id.
                ahead.append(by_urn[urn].provider.rpartition("::")[0])
        return False

    def new_resource(self, args: MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        """Answer a registration: id `<name>-id`, the inputs, and what the cloud computes (not in a preview)."""
        registered = self.registered[-1]
        state: Properties = {}
        if not self.preview:
            state = {"arn": f"arn:aws:test:us-east-1:111122223333:{args.typ.split(':')[-1].lower()}/{args.name}"}
            state |= _computed(CLOUD, registered)
        id_ = "" if self.preview else f"{args.name}-id"
        return id_, {**state, **registered.inputs, **_computed(self.outputs, registered)}

    def call(self, args: MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]] | None]:
        """Answer a lookup, or refuse it."""
        if args.token not in self.answers:
            raise AssertionError(f"unexpected lookup {args.token}: a preview without credentials cannot answer it")
        return self.answers[args.token](args.args), []

    def _keep(self, value: Any) -> Any:
        self.result = value
        return value

    def _only(self, found: list[Registered], wanted: str) -> Registered:
        if len(found) != 1:
            inventory = sorted(f"{each.type} {each.name}" for each in self.registered)
            raise AssertionError(f"{len(found)} registrations of {wanted.strip()}; registered: {inventory}")
        return found[0]


class _Log(logging.Logger):
    """Keeps warnings: the SDK logs one where a deprecated resource or property is used."""

    def __init__(self) -> None:
        super().__init__("program")
        self.warnings: list[str] = []
        self.told: list[str] = []

    def info(self, msg: object, *args: object, **kwargs: Any) -> None:
        self.told.append(str(msg))

    def warning(self, msg: object, *args: object, **kwargs: Any) -> None:
        self.warnings.append(str(msg))

    def error(self, msg: object, *args: object, **kwargs: Any) -> None:
        self.warnings.append(str(msg))


class _Monitor(MockMonitor):
    """Keeps the whole registration, where the mocks of the SDK see only name and inputs."""

    def __init__(self, engine: RecordingEngine) -> None:
        super().__init__(engine)
        self.engine = engine

    def RegisterResource(self, request: Any) -> Any:
        if request.type != "pulumi:pulumi:Stack":
            registered = self._registered(request)
            if any(registered.urn == each.urn for each in self.engine.registered):
                raise AssertionError(f"two resources have the URN {registered.urn}: an engine refuses that")
            self.engine.registered.append(registered)
        response = super().RegisterResource(request)
        if request.name in self.engine.failed:
            return resource_pb2.RegisterResourceResponse(urn=response.urn, result=resource_pb2.FAIL)
        return response

    def _registered(self, request: Any) -> Registered:
        from pulumi.runtime import rpc

        raw = cast(Properties, rpc.deserialize_properties(request.object, keep_unknowns=True))
        urn = self.make_urn(request.parent, request.type, request.name)
        return Registered(
            type=request.type,
            name=request.name,
            urn=urn,
            parent=request.parent,
            inputs={key: _plain(value) for key, value in raw.items()},
            secrets=frozenset(key for key, value in raw.items() if _is_secret(value)),
            custom=request.custom,
            dependencies=frozenset(request.dependencies),
            protect=request.protect,
            ignore_changes=tuple(request.ignoreChanges),
            retain_on_delete=request.retainOnDelete,
            deleted_with=request.deletedWith,
            delete_before_replace=request.deleteBeforeReplace,
            provider=request.provider,
            secret_outputs=tuple(request.additionalSecretOutputs),
            waits=(request.customTimeouts.create, request.customTimeouts.update),
            ends=request.customTimeouts.delete,
            stack_trace=tuple(frame.pc.uri for frame in request.stackTrace.frames),
            aliases=(*request.aliasURNs, *(alias_urn(alias, urn) for alias in request.aliases)),
        )


@contextmanager
def _event_loop() -> Generator[None]:
    """A loop that is closed afterwards, with one worker: registrations arrive one at a time, in a stable order."""
    loop = asyncio.new_event_loop()
    # One error fails many futures: `run` raises the first, and the others would only be printed after the test.
    loop.set_exception_handler(lambda _loop, _context: None)
    loop.set_default_executor(worker := ThreadPoolExecutor(max_workers=1))
    asyncio.set_event_loop(loop)
    worker.submit(lambda: asyncio.set_event_loop(asyncio.new_event_loop())).result()
    try:
        yield
    finally:
        worker.submit(lambda: asyncio.get_event_loop().close()).result()
        worker.shutdown()
        loop.close()
        asyncio.set_event_loop(None)


def _computed(table: Mapping[str, Computed], registered: Registered) -> Mapping[str, Any]:
    found = table.get(registered.type, {})
    return found(registered) if callable(found) else found


def _is_secret(value: Any) -> bool:
    return isinstance(value, dict) and _MARK in cast(Properties, value)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        mapping = cast(Properties, value)
        if _is_secret(mapping):
            return _plain(mapping["value"])
        return {key: _plain(each) for key, each in mapping.items()}
    if isinstance(value, list):
        return [_plain(each) for each in cast(Sequence[Any], value)]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def walk(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every leaf of a value with its path: `spec.template.spec.containers[0].image`."""
    if isinstance(value, dict):
        for key, each in cast(Properties, value).items():
            yield from walk(each, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for index, each in enumerate(cast(Sequence[Any], value)):
            yield from walk(each, f"{path}[{index}]")
    else:
        yield path, value
