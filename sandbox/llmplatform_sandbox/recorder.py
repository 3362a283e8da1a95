"""Receives the engine's events: shows them, counts them, and keeps errors."""

import re
import time
from collections.abc import Callable, Mapping
from typing import Any

from pulumi.automation.events import DiagnosticEvent, EngineEvent, StepEventMetadata

from llmplatform_sandbox.cloud.facts import why_replaced
from llmplatform_sandbox.progress import Output, Report, ResourceStep

_REMEDY = "correct what the errors above say and run again"
_COLOUR = re.compile(r"<\{%[^%]*%\}>")


class Recorder:
    """Receives the engine's events, passes them on, and keeps the caller's results."""

    def __init__(self, report: Report, listen: Callable[[EngineEvent], object] | None = None) -> None:
        self.report = report
        self._listen = listen
        self._began: dict[str, float] = {}
        self._errors: list[str] = []
        self._failed: list[str] = []
        self.changes: dict[str, int] = {}
        self.planned: dict[str, ResourceStep] = {}
        self.finished: list[ResourceStep] = []

    def __call__(self, event: EngineEvent) -> None:
        """Take in one event."""
        if self._listen:
            self._listen(event)
        if event.resource_pre_event:
            metadata = event.resource_pre_event.metadata
            self._began[metadata.urn] = time.monotonic()
            step = _step(metadata, "started")
            self.planned[metadata.urn] = step
            self.report(step)
            reason = _why_replaced(metadata) if step.op == "replace" and not self._listen else ""
            if reason:
                self.report(Output(text=f"{step.name}: replaced, as {reason}"))
        elif event.res_outputs_event:
            self._ended(event.res_outputs_event.metadata, "done")
        elif event.res_op_failed_event:
            self._failed.append(_name(event.res_op_failed_event.metadata.urn))
            self._ended(event.res_op_failed_event.metadata, "failed")
        elif event.summary_event:
            self.changes = counts(event.summary_event.resource_changes)
        elif event.diagnostic_event and not event.diagnostic_event.ephemeral:
            self._said(event.diagnostic_event)

    def failure(self) -> str:
        """One sentence on the failure; empty without an error."""
        if self._failed:
            return f"{len(self._failed)} of the resources failed ({', '.join(self._failed)}); {_REMEDY}"
        return f"the program or its plan failed; {_REMEDY}" if self._errors else ""

    def _said(self, diagnostic: DiagnosticEvent) -> None:
        text = _COLOUR.sub("", (diagnostic.prefix or "") + diagnostic.message).strip()
        # The engine repeats each failed resource's error as the failure of the whole update.
        if not text or text == "update failed" or diagnostic.severity == "debug":
            return
        severity = diagnostic.severity.partition("#")[0]
        if severity == "error" and any(_without_prefix(text) == _without_prefix(known) for known in self._errors):
            return
        if diagnostic.urn and "pulumi:pulumi:Stack" not in diagnostic.urn:
            text = f"{_name(diagnostic.urn)}: {text}"
        self.report(Output(text=text, severity=severity))
        if severity == "error":
            self._errors.append(text)

    def _ended(self, metadata: StepEventMetadata, state: str) -> None:
        began = self._began.get(metadata.urn)
        step = _step(metadata, state, time.monotonic() - began if began else 0.0)
        self.finished.append(step)
        self.report(step)


def _without_prefix(text: str) -> str:
    """The program's message, which the language host repeats in its own name."""
    return text.removeprefix("error: ").removeprefix("an unhandled error occurred: ").strip()


def counts(changes: Mapping[Any, int]) -> dict[str, int]:
    """The engine's word for a change → number of resources."""
    return {str(getattr(op, "value", op)): count for op, count in changes.items()}


def _step(metadata: StepEventMetadata, state: str, seconds: float = 0.0) -> ResourceStep:
    return ResourceStep(
        op=metadata.op.value,
        type=metadata.type,
        name=_name(metadata.urn),
        urn=metadata.urn,
        state=state,
        seconds=seconds,
        parent=(known.parent or "") if (known := metadata.new or metadata.old) else "",
    )


def _why_replaced(metadata: StepEventMetadata) -> str:
    detailed = metadata.detailed_diff or {}
    paths = [path for path, change in detailed.items() if change.diff_kind.value.endswith("-replace")]
    return why_replaced(metadata.type, paths or metadata.keys or ())


def _name(urn: str) -> str:
    return urn.split("::", 3)[-1]
