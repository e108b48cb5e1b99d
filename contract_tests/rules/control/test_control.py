"""The types that a control reads from its handler's signature."""

from typing import Any

import pytest

from mockserver.control.bodies import Health, Query, Reset
from mockserver.control.control import NOTHING, Control
from mockserver.control.webhook_bodies import DeliveryQuery


def with_body(_request: Any, argument: Reset) -> Health:
    raise NotImplementedError  # only the signature is read


def with_query(_request: Any, argument: DeliveryQuery) -> None: ...


def without(_request: Any, argument: None) -> bytes:
    raise NotImplementedError  # only the signature is read


@pytest.mark.parametrize(
    ("handler", "body", "query", "answer"),
    [
        (with_body, Reset, Query, Health),
        (with_query, NOTHING, DeliveryQuery, NOTHING),
        (without, NOTHING, Query, bytes),
    ],
)
def test_the_types_of_a_handler_are_those_of_its_control(handler: Any, body: Any, query: Any, answer: Any) -> None:
    control = Control("POST", "/", lambda: handler)
    assert (control.body, control.query, control.answer) == (body, query, answer)


def two_bodies(_request: Any, body: Reset, other_body: Reset) -> None: ...


def no_body(_request: Any) -> None: ...


def any_body(_request: Any, body: Any) -> None: ...


def text(_request: Any, body: str) -> None: ...


def ignore_types(_request, body):  # type: ignore[no-untyped-def]  # the mistake under test
    ...


@pytest.mark.parametrize("handler", [two_bodies, no_body, any_body, text, ignore_types])
def test_a_handler_whose_body_nobody_would_check_is_refused_when_it_is_read(handler: Any) -> None:
    with pytest.raises(TypeError, match=f"{handler.__name__}.* is no handler of a control"):
        _ = Control("POST", "/", lambda: handler).body
