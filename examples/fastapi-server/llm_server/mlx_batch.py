"""The model's side: a batch of jobs. Only the thread that loaded the model calls it."""

from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from mlx_lm import load
from mlx_lm.generate import BatchGenerator, TextStateMachine
from mlx_lm.sample_utils import make_sampler

from llm_server.backend import Generation, Piece, Sampling


@dataclass(kw_only=True, eq=False)
class Job:
    """A request: its prompt, and the text of its answer so far."""

    generation: Generation
    sampling: Sampling
    prompt: list[int] = field(default_factory=list[int])
    """Its tokens. Empty until it is tokenized."""
    tokens: int = 0
    """Generated so far."""
    detokenizer: Any = None
    stops: Any = field(init=False)
    """State of the search for stop texts. It holds back text that may become one."""

    def __post_init__(self) -> None:
        self.stops = TextStateMachine({"normal": [(text, None) for text in self.sampling.stop]}).make_state()

    def piece(self, token: int, reason: str | None) -> Piece:
        """The text that a token completes. `reason`: why the batch generates no further one."""
        self.tokens += 1
        # The token that ends an answer is not part of its text.
        if reason != "stop":
            self.detokenizer.add_token(token)
        if reason:
            self.detokenizer.finalize()
        self.stops, text, state = TextStateMachine.step(self.stops, self.detokenizer.last_segment)
        if state is None:
            return Piece(text, self.tokens, "stop")
        if not reason:
            return Piece(text, self.tokens)
        _, held_back, _ = TextStateMachine.flush(self.stops)
        return Piece(text + held_back, self.tokens, "stop" if reason == "stop" else "length")


class Batch:
    """Jobs that generate together. They join and leave between two steps: continuous batching."""

    def __init__(self, folder: Path, *, size: int) -> None:
        model, self.tokenizer, *_ = load(str(folder))
        self._generator = BatchGenerator(
            model,
            stop_tokens=[[token] for token in self.tokenizer.eos_token_ids],
            completion_batch_size=size,
            prefill_batch_size=min(8, size),
        )
        self._jobs: dict[int, Job] = {}

    def __len__(self) -> int:
        return len(self._jobs)

    def insert(self, job: Job) -> None:
        """Adds a job. It waits within the batch while all places are taken."""
        how = job.sampling
        job.detokenizer = self.tokenizer.detokenizer
        (uid,) = self._generator.insert(
            [job.prompt],
            max_tokens=[how.max_tokens],
            samplers=[_sampler(how.temperature, how.top_p)],
        )
        self._jobs[uid] = job

    def remove(self, job: Job) -> None:
        """Removes a job, if it still runs."""
        uids = [uid for uid, other in self._jobs.items() if other is job]
        for uid in uids:
            del self._jobs[uid]
        self._generator.remove(uids)

    def step(self) -> list[tuple[Job, Piece]]:
        """The next token of each job that has one."""
        pieces: list[tuple[Job, Piece]] = []
        for response in self._generator.next()[1]:
            job = self._jobs[response.uid]
            piece = job.piece(response.token, response.finish_reason)
            pieces.append((job, piece))
            if response.finish_reason:
                del self._jobs[response.uid]
            elif piece.finish_reason:
                self.remove(job)
        return pieces


@lru_cache(maxsize=100)
def _sampler(temperature: float, top_p: float) -> Any:
    """One for all jobs that ask for the same: a batch with a single sampler draws all its tokens at once."""
    return make_sampler(temperature, top_p=top_p)
