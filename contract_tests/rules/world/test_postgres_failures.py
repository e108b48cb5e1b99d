"""Errors of PostgreSQL, and the causes outside of the server that they report."""

import psycopg
import pytest
from psycopg import errors

from mockserver.errors import ResourceFailed
from mockserver.world.postgres.failures import explain_loss, find_failure

PLACE = "PostgreSQL database mock at host"
BEYOND_THE_SERVER = ("08", "28", "40", "53", "54", "55", "57", "58")
"""Classes of codes (postgresql.org/docs/current/errcodes-appendix.html) that say nothing about a statement."""
OTHERS = {"25006", "25P03", "25P04", "42501", "XX001", "XX002"}
CODES = sorted(
    {
        kind.sqlstate
        for kind in vars(errors).values()
        if isinstance(kind, type)
        and issubclass(kind, psycopg.Error)
        and kind.sqlstate is not None
        and (kind.sqlstate.startswith(BEYOND_THE_SERVER) or kind.sqlstate in OTHERS)
    }
)


@pytest.mark.parametrize("code", CODES)
def test_an_error_beyond_the_server_names_the_database_and_what_to_do(code: str) -> None:
    failure = find_failure(errors.lookup(code)("why"), PLACE)
    assert isinstance(failure, ResourceFailed)
    what, _, advice = failure.message.partition(f" the {PLACE}: why; ")
    assert what
    assert advice
    is_lost = code.startswith(("08", "28", "57")) and code != errors.QueryCanceled.sqlstate
    assert (what == "No connection to") == is_lost


@pytest.mark.parametrize("kind", [errors.UndefinedColumn, errors.UniqueViolation, errors.InFailedSqlTransaction])
def test_an_error_of_a_statement_is_a_bug(kind: type[psycopg.Error]) -> None:
    assert find_failure(kind("why"), PLACE) is None


def test_a_primary_that_has_become_a_standby_is_named() -> None:
    reason = explain_loss(errors.ReadOnlySqlTransaction("cannot execute UPDATE in a read-only transaction"), PLACE)
    assert reason.startswith(f"It cannot be written: the {PLACE}: cannot execute UPDATE")
    assert "give the address of the primary" in reason


def test_whatever_the_database_answers_the_loss_of_it_is_explained() -> None:
    assert explain_loss(errors.UndefinedTable("no table"), PLACE).startswith(
        f"No connection to the {PLACE}: no table; "
    )
