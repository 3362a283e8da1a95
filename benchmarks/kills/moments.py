"""When a kill strikes, and which process: drawn evenly over the work that is done, and by time."""

from dataclasses import asdict, dataclass
from random import Random
from typing import Any

from llmplatform_sandbox.killing import Moment, Victim

VICTIMS: dict[tuple[Victim, ...], float] = {
    ("command",): 0.25,
    ("program",): 0.1,
    ("command", "world"): 0.2,
    ("command", "world", "control-plane"): 0.2,
    ("engine",): 0.1,
    ("world",): 0.075,
    ("control-plane",): 0.075,
}
"""Groups of processes that die at once, with their share. `world` is providers, simulated cloud and kubelets."""
BY_TIME = 0.3
"""Share of kills that strike after a time rather than at a change: during starts, recoveries, previews and waits."""
_LONGEST_START = 9.0
"""Seconds within which a run has recovered and begun with its changes."""


@dataclass(frozen=True, kw_only=True)
class Kill:
    """One kill, as it was drawn."""

    victims: tuple[Victim, ...]
    seconds: float | None
    """Since the command began; None for a kill at a change."""
    change: int = 0
    moment: Moment = "asked"
    delay: float = 0.0

    def described(self) -> dict[str, Any]:
        """For the record."""
        return {key: value for key, value in asdict(self).items() if value is not None}


def draw(random: Random, remaining: int, kills: int) -> Kill:
    """The next of `kills` kills, over `remaining` changes that are still to be made."""
    victims = random.choices(list(VICTIMS), list(VICTIMS.values()))[0]
    if random.random() < BY_TIME:
        return Kill(victims=victims, seconds=round(random.uniform(0.1, _LONGEST_START), 3))
    # As many changes apart, on average, as spreads the kills over all of the work.
    change = random.randint(1, max(1, 2 * remaining // (kills + 1)))
    moment: Moment = random.choices(("asked", "accepted", "answered"), (0.4, 0.25, 0.35))[0]
    delay = {"asked": 0.15, "accepted": 0.0, "answered": 0.03}[moment]
    return Kill(victims=victims, seconds=None, change=change, moment=moment, delay=round(random.uniform(0, delay), 4))
