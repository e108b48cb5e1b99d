"""Transactions about the whole database of several servers, beside those of one workspace."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from mockserver.errors import ResourceFailed
from mockserver.world.postgres.database import build_taken_over
from mockserver.world.postgres.failures import commit, name_failures
from mockserver.world.postgres.pool import Pool, Session
from mockserver.world.postgres.tables import DATA

NO_LIFE = 0
"""A number that no life has, for statements that are about no life."""


@contextmanager
def begin_transaction(pool: Pool, begin: str = "BEGIN") -> Iterator[Session]:
    """A transaction on a borrowed connection. Raises ResourceFailed."""
    session = _begin(pool, begin)
    try:
        with name_failures(pool.place):
            yield session
        commit(session.raw, pool.place)
    except BaseException:
        _roll_back(session)
        raise
    finally:
        pool.give_back(session)


def _begin(pool: Pool, begin: str) -> Session:
    """Begins a transaction on a borrowed connection. If it broke while it was idle, begins again on a new one."""
    try:
        return _try_begin(pool, begin)
    except ResourceFailed:
        if pool.lost is not None:
            raise
        pool.drop_idle()
        return _try_begin(pool, begin)


def _try_begin(pool: Pool, begin: str) -> Session:
    session = pool.lend(NO_LIFE)
    try:
        with name_failures(pool.place):
            session.raw.execute(begin.encode(), prepare=False)
    except BaseException:
        pool.give_back(session)
        raise
    return session


@contextmanager
def begin_as_member(pool: Pool) -> Iterator[Session]:
    """A transaction in which nobody can declare this server dead. Raises ResourceFailed if somebody has."""
    with begin_transaction(pool) as session:
        if pool.number is not None:
            alive = f"SELECT 1 FROM {DATA}.replica WHERE no = {pool.number:d} FOR KEY SHARE"
            if session.raw.execute(alive.encode()).rowcount != 1:
                raise build_taken_over(pool)
        yield session


def _roll_back(session: Session) -> None:
    session.life = None  # it may have been named within the transaction
    if session.is_usable and not session.is_idle:
        try:
            session.raw.execute(b"ROLLBACK", prepare=False)
        except psycopg.Error:
            session.raw.close()
