"""Text generation by mlx-lm: Hugging Face's models, continuous batching.

The same code runs on NVIDIA GPUs (`mlx[cuda13]`, `mlx[cuda12]`), on Apple silicon, and on a CPU (`mlx[cpu]`), where its
tests run. One thread owns the model; between two steps of the batch it takes commands from the event loop.
"""

import asyncio
import json
import logging
import queue
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from jinja2 import TemplateError

from llm_server.backend import Generation, Piece, Prompt, Sampling, State, UnusablePromptError
from llm_server.mlx_batch import Batch, Job

logger = logging.getLogger(__name__)

CLOSE_SECONDS = 1
"""For the end of a step. A load takes longer, and nothing interrupts it."""


class MlxGenerator:
    """The model in a folder, as Hugging Face publishes it: config.json, tokenizer, chat template, safetensors."""

    def __init__(self, folder: Path, *, max_batch: int, context_length: int | None = None) -> None:
        self.state: State = "loading"
        self._folder = folder
        self._max_batch = max_batch
        self._context = context_length or _longest(folder)
        self._jobs: set[Job] = set()
        self._commands: queue.SimpleQueue[Callable[[Batch], None] | None] = queue.SimpleQueue()
        # One thread: a tokenizer may be used by one at a time.
        self._tokenizing = ThreadPoolExecutor(1, thread_name_prefix="tokenizer")
        self._thread = threading.Thread(target=self._run, name="model", daemon=True)

    @property
    def running(self) -> int:
        """Requests with a first token, but not the last one."""
        return len(self._jobs) - self.waiting

    @property
    def waiting(self) -> int:
        """Requests without a first token."""
        return sum(not job.tokens for job in self._jobs)

    def start(self) -> None:
        """Begins to load, from a running event loop."""
        self._loop = asyncio.get_running_loop()
        self._thread.start()

    async def submit(self, prompt: Prompt, sampling: Sampling) -> Generation:
        """Begins to generate; at once the request counts as waiting. Raises UnusablePromptError."""
        generation = Generation(cancel=lambda: self._cancel(job))
        job = Job(generation=generation, sampling=sampling)
        self._jobs.add(job)
        try:
            # A long prompt takes seconds, which the event loop owes to all others.
            job.prompt = await self._loop.run_in_executor(self._tokenizing, self._encode, prompt)
            generation.prompt_tokens = len(job.prompt)
            room = self._context - len(job.prompt)
            if not job.prompt or room < 1:
                raise UnusablePromptError(
                    f"the prompt has {len(job.prompt)} tokens; 1 to {self._context - 1} are possible"
                )
        except BaseException:
            self._jobs.discard(job)
            raise
        job.sampling = replace(sampling, max_tokens=min(sampling.max_tokens, room))
        self._commands.put(lambda batch: batch.insert(job))
        return generation

    def close(self) -> None:
        """Ends the thread after its step. One that still loads is left behind, and ends with the process."""
        self._commands.put(None)
        self._thread.join(CLOSE_SECONDS)

    def _encode(self, prompt: Prompt) -> list[int]:
        if isinstance(prompt, str):
            return self._tokenizer.encode(prompt)
        try:
            return self._tokenizer.apply_chat_template(list(prompt), add_generation_prompt=True, return_dict=False)
        except (TemplateError, ValueError) as error:
            # Some templates accept only certain orders of roles; some models have none.
            raise UnusablePromptError(f"the model's chat template refuses this conversation: {error}") from error

    def _cancel(self, job: Job) -> None:
        self._jobs.discard(job)
        self._commands.put(lambda batch: batch.remove(job))

    def _run(self) -> None:
        """What the thread does."""
        try:
            batch = Batch(self._folder, size=self._max_batch)
            self._tokenizer = batch.tokenizer
            self.state = "ready"
            logger.info("the model is loaded", extra={"context_length": self._context})
            while self._obey(batch):
                self._loop.call_soon_threadsafe(self._deliver, batch.step())
        except Exception as error:
            self.state = "failed"
            logger.exception("the model failed")
            self._loop.call_soon_threadsafe(self._fail, error)

    def _obey(self, batch: Batch) -> bool:
        """Carries out commands, and waits for some while no job runs. False: the thread ends."""
        while True:
            try:
                command = self._commands.get(block=len(batch) == 0)
            except queue.Empty:
                return True
            if command is None:
                return False
            command(batch)

    def _deliver(self, pieces: list[tuple[Job, Piece]]) -> None:
        for job, piece in pieces:
            job.generation.put(piece)
            if piece.finish_reason:
                self._jobs.discard(job)

    def _fail(self, error: Exception) -> None:
        for job in self._jobs:
            job.generation.put(error)
        self._jobs.clear()


def _longest(folder: Path) -> int:
    """The model's context length in tokens."""
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    return config.get("text_config", config)["max_position_embeddings"]
