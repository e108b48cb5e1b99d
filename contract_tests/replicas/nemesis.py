"""Disturbances of replicas, of their database and of their store, drawn by a seed."""

import random
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

import psycopg

from contract_tests.postgres import PrivateCluster
from contract_tests.replicas.replicas import Replica, Replicas
from contract_tests.replicas.splitter import Splitter

LONGEST_STOP = 12.0
"""Seconds for which a process is stopped at most: longer than its lease."""
LONGEST_STOP_ALONE = 2.0
LONGEST_PAUSE = 4.0
"""Seconds between two disturbances at most."""
RECOVERED_WITHIN = 60.0
ANSWERS = 3
"""Acknowledged changes between two disturbances of a lane."""
LONGEST_HOLD = 5.0
LONGEST_OUTAGE = 2.0


@dataclass
class Surroundings:
    """Everything that can be disturbed."""

    replicas: Replicas
    cluster: PrivateCluster
    database_ways: list[Splitter]
    """The way of each replica to the database."""
    store_way: Splitter | None
    count_answers: Callable[[], int]
    """Acknowledged changes of all clients until now."""
    history: list[str] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)

    def note(self, words: str) -> None:
        self.history.append(f"{time.monotonic() - self.began:6.1f} {words}")


Deed = Callable[[Surroundings, random.Random, threading.Event], None]


def kill(world: Surroundings, chance: random.Random, _stop: threading.Event) -> None:
    replica = choose(world, chance)
    world.note(f"kill replica {replica.number}")
    replica.send(signal.SIGKILL)


def terminate(world: Surroundings, chance: random.Random, _stop: threading.Event) -> None:
    replica = choose(world, chance)
    world.note(f"terminate replica {replica.number}")
    replica.send(signal.SIGTERM)


def freeze(world: Surroundings, chance: random.Random, stop: threading.Event) -> None:
    """Stops a process without its knowledge, as a machine that swaps or a paused virtual machine does."""
    longest = LONGEST_STOP if len(world.replicas.all) > 1 else LONGEST_STOP_ALONE
    replica, seconds = choose(world, chance), chance.uniform(0.5, longest)
    world.note(f"freeze replica {replica.number} for {seconds:.1f} s")
    replica.send(signal.SIGSTOP)
    stop.wait(seconds)
    replica.send(signal.SIGCONT)
    world.note(f"replica {replica.number} goes on")


def choose(world: Surroundings, chance: random.Random) -> Replica:
    return chance.choice(world.replicas.all)


def end_sessions(world: Surroundings, chance: random.Random, _stop: threading.Event) -> None:
    """Ends a part of the connections of all replicas."""
    share = chance.choice((0.3, 1.0))
    world.note(f"pg_terminate_backend for {share:.0%}")
    with psycopg.connect(world.cluster.dsn, autocommit=True) as raw:
        raw.execute("SELECT setseed(%s)", [chance.random()])
        raw.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name LIKE 'mockserver%%' AND random() < %s",
            [share],
        )


def restart_database(world: Surroundings, chance: random.Random, stop: threading.Event) -> None:
    """Ends PostgreSQL as a crash does, and starts it again."""
    seconds = chance.uniform(0, LONGEST_OUTAGE)
    world.note(f"PostgreSQL ends, for {seconds:.1f} s")
    world.cluster.kill()
    stop.wait(seconds)
    world.cluster.restart()
    world.note("PostgreSQL answers")


def cut_database(world: Surroundings, chance: random.Random, _stop: threading.Event) -> None:
    way = chance.choice(world.database_ways)
    world.note(f"cut {way.cut()} ends of connections to the database")


def hold_database(world: Surroundings, chance: random.Random, stop: threading.Event) -> None:
    """One replica's packets to the database are lost for a while."""
    number, seconds = chance.randrange(len(world.database_ways)), chance.uniform(0.5, LONGEST_HOLD)
    world.note(f"hold the way of replica {number + 1} to the database for {seconds:.1f} s")
    with world.database_ways[number].hold():
        stop.wait(seconds)


def cut_clients(world: Surroundings, _chance: random.Random, _stop: threading.Event) -> None:
    world.note(f"cut {world.replicas.splitter.cut()} ends of connections of clients")


def cut_store(world: Surroundings, _chance: random.Random, _stop: threading.Event) -> None:
    if world.store_way is not None:
        world.note(f"cut {world.store_way.cut()} ends of connections to the store")


PROCESSES: tuple[Deed, ...] = (kill, terminate, freeze, freeze)
NETWORK: tuple[Deed, ...] = (end_sessions, restart_database, cut_database, hold_database, cut_clients, cut_store)
LANES = (PROCESSES, NETWORK)
"""Disturbances of two lanes may coincide; those of one lane do not."""


class Nemesis:
    """Disturbs the surroundings from its own threads until it is stopped. Then nothing is disturbed any more."""

    def __init__(self, world: Surroundings, seed: object) -> None:
        self._world, self._seed, self._stop = world, seed, threading.Event()
        self._threads = ThreadPoolExecutor(len(LANES))
        self._lanes: list[Future[None]] = []

    def start(self) -> None:
        chances = [random.Random(f"{self._seed}/{lane}") for lane in range(len(LANES))]
        self._lanes = list(map(self._threads.submit, [self._disturb] * len(LANES), LANES, chances))

    def stop(self) -> None:
        """Raises what one of the disturbances has raised."""
        self._stop.set()
        self._threads.shutdown()
        for lane in self._lanes:
            lane.result()
        for replica in self._world.replicas.all:
            replica.send(signal.SIGCONT)

    def _disturb(self, deeds: tuple[Deed, ...], chance: random.Random) -> None:
        while not self._stop.wait(chance.uniform(0.2, LONGEST_PAUSE)):
            chance.choice(deeds)(self._world, chance, self._stop)
            self._wait_for_answers()

    def _wait_for_answers(self) -> None:
        """Waits until clients had some answers since the last disturbance: a start takes a minute on a busy machine."""
        deadline, before = time.monotonic() + RECOVERED_WITHIN, self._world.count_answers()
        while self._world.count_answers() < before + ANSWERS:
            if self._stop.wait(0.1) or time.monotonic() > deadline:
                return
