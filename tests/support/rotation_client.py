"""A program that writes into a table without a pause, on one connection and on a new one for each row, until it is told
to stop. It prints the number of each row that the server has confirmed.

Variables: those of libpq. Arguments: the first number, and the step to the next, so that clients share a table. It runs
in the environment of MLflow, which has psycopg.
"""

import signal
import sys
from itertools import count
from typing import Any

import psycopg  # pyright: ignore[reportMissingImports]

connect: Any = psycopg.connect  # pyright: ignore[reportUnknownMemberType]
stopped: list[int] = []


def stop(*_: object) -> None:
    """After the row that is being written."""
    stopped.append(1)


def write(connection: Any, number: int) -> None:
    """One row, confirmed."""
    connection.execute("INSERT INTO rows (n) VALUES (%s)", [number])
    print(number, flush=True)


def main(first: int, step: int) -> None:
    """Write until the signal."""
    signal.signal(signal.SIGTERM, stop)
    numbers = count(first, step)
    with connect(autocommit=True) as kept:
        while not stopped:
            write(kept, next(numbers))
            with connect(autocommit=True) as new:
                write(new, next(numbers))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
