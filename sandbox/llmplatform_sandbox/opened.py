"""A sandbox for one command: its progress is shown, and errors are sentences."""

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from llmplatform_sandbox.errors import SandboxError
from llmplatform_sandbox.refusals import console_for, refusals

if TYPE_CHECKING:
    from llmplatform_sandbox.lifecycle import Sandbox


@contextmanager
def opened(
    project: Path,
    stack: str,
    *,
    host: str | None = None,
    check: bool = True,
    steps: bool = True,
    failed: Callable[[Sequence[str]], object] | None = None,
) -> Generator[tuple["Sandbox", dict[str, float]]]:
    """A sandbox whose progress is shown. `check`: refuse a wrong stack file first. `steps`: show each resource.

    `failed` receives the error, as on standard error.
    """
    from llmplatform_sandbox.display import display
    from llmplatform_sandbox.guests import Host
    from llmplatform_sandbox.lifecycle import Sandbox
    from llmplatform_sandbox.progress import Event, Output, PhaseEnded, ResourceStep
    from llmplatform_sandbox.project import check_settings

    timings: dict[str, float] = {}
    errors: list[str] = []
    with refusals(), display(console_for(stderr=True)) as show:

        def receive(event: Event) -> None:
            if isinstance(event, PhaseEnded):
                timings[event.phase] = timings.get(event.phase, 0.0) + event.seconds
            if isinstance(event, Output) and event.severity == "error":
                errors.append(event.text)
            if steps or not isinstance(event, ResourceStep):
                show(event)

        try:
            sandbox = Sandbox(project, stack, receive, Host.named(host) if host else None)
            if check:
                check_settings(sandbox.project.stack_file(stack))
            yield sandbox, timings
        except SandboxError as error:
            if failed:
                failed([*errors, str(error)])
            raise
