"""Shows a long operation while it runs: a live picture on a terminal, plain lines anywhere else."""

import threading
import time
from types import TracebackType
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.text import Text

from llmplatform_sandbox.progress import Event, Output, PhaseEnded, PhaseStarted, ResourceStep, ToolWork

_SHOWN = 8
"""Resources in progress that a terminal shows at once."""
_TOOL_LINE_EVERY = 30.0
_QUIET_OPS = {"same", "read", "refresh"}
_STYLES = {"error": "red", "warning": "yellow"}


class PlainDisplay:
    """One line for each beginning or end; for logs and pipes."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._lock = threading.Lock()
        self._tool_lines: dict[tuple[str, str], float] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def __call__(self, event: Event) -> None:
        """Receive an event, from any thread."""
        with self._lock:
            line = self._line(event)
            if line is not None:
                self._console.print(line)

    def _line(self, event: Event) -> Text | None:
        match event:
            case PhaseStarted():
                return Text(f"{event.text} ...")
            case PhaseEnded():
                return Text(f"  {event.phase}: {event.seconds:.1f} s", style="dim")
            case ToolWork():
                return self._tool_line(event)
            case Output():
                return Text(event.text, style=_STYLES.get(event.severity, ""))
            case ResourceStep():
                if event.state == "started" or (event.op in _QUIET_OPS and event.state == "done"):
                    return None
                style = "red" if event.state == "failed" else ""
                return Text(
                    f"  {event.op} {event.type} {event.name}: {event.state}, {event.seconds:.1f} s", style=style
                )

    def _tool_line(self, event: ToolWork) -> Text | None:
        if event.done:
            return Text(f"  {_tool_done(event)} in {event.seconds:.0f} s")
        last = self._tool_lines.get((event.doing, event.tool))
        if last is not None and event.seconds - last < _TOOL_LINE_EVERY:
            return None
        self._tool_lines[event.doing, event.tool] = event.seconds
        return Text(f"  {_tool_under_way(event)}, {event.seconds:.0f} s")


class LiveDisplay(PlainDisplay):
    """Operations in progress, redrawn in place below the lines of completed ones; for terminals."""

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self._phase = ""
        self._phase_began = 0.0
        self._ended = 0
        self._under_way: dict[str, tuple[ResourceStep, float]] = {}
        self._tools: dict[str, ToolWork] = {}
        self._live = Live(
            console=console, get_renderable=self._picture, refresh_per_second=8, transient=True, redirect_stdout=False
        )

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def _line(self, event: Event) -> Text | None:
        match event:
            case PhaseStarted():
                self._phase, self._phase_began, self._ended = event.text, time.monotonic(), 0
                return None
            case PhaseEnded():
                text, self._phase = self._phase, ""
                return Text.assemble(("✓ ", "green"), text, (f" {event.seconds:.1f} s", "dim"))
            case ToolWork():
                if not event.done:
                    self._tools[event.tool] = event
                    return None
                self._tools.pop(event.tool, None)
                return super()._line(event)
            case ResourceStep():
                if event.state == "started":
                    self._under_way[event.urn] = (event, time.monotonic())
                    return None
                self._under_way.pop(event.urn, None)
                self._ended += 1
                return super()._line(event) if event.state == "failed" else None
            case _:
                return super()._line(event)

    def _picture(self) -> RenderableType:
        if not self._phase:
            return Text("")
        now = time.monotonic()
        count = f", {self._ended} resources" if self._ended else ""
        lines: list[RenderableType] = [Spinner("dots", Text(f"{self._phase}{count} {now - self._phase_began:.0f} s"))]
        lines += [Text(f"  {_tool_under_way(tool)} {tool.seconds:.0f} s") for tool in list(self._tools.values())]
        steps = sorted(self._under_way.copy().values(), key=lambda item: item[1])
        shown = [(step, began) for step, began in steps if step.op not in _QUIET_OPS and ":" in step.type][:_SHOWN]
        lines += [
            Text(f"  {step.op} {step.type} {step.name} {now - began:.0f} s", style="dim", overflow="ellipsis")
            for step, began in shown
        ]
        return Group(*lines)


def _tool_under_way(event: ToolWork) -> str:
    if event.doing == "download":
        return f"downloading {event.tool} {event.version}, {event.received / 1e6:.0f} MB"
    return f"building {event.tool} {event.version} from its Go module (once per machine)"


def _tool_done(event: ToolWork) -> str:
    if event.doing == "download":
        return f"downloaded {event.tool} {event.version}, {event.received / 1e6:.0f} MB, SHA-256 as expected,"
    return f"built {event.tool} {event.version}"


def display(console: Console) -> PlainDisplay:
    """The display for a console."""
    return LiveDisplay(console) if console.is_terminal else PlainDisplay(console)
