"""Topics and options of webhooks: each list has one origin, and the copies that must exist agree with it."""

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from contract_tests.rules.pages import REPOSITORY
from mockserver.control.happenings import HAPPENINGS
from mockserver.control.webhook_bodies import ChangeWebhook, NewWebhook, WebhookView
from mockserver.errors import BadInput
from mockserver.webhooks.options import WebhookOptions, load_options
from mockserver.webhooks.subscriptions import to_columns
from mockserver.world.records.events import TOPICS
from mockserver.world.records.webhooks import Subscription

SCHEMA = REPOSITORY / "mockserver/api/graphql/schema/webhooks.graphql"


def topics_in(path: Path, pattern: str) -> list[str]:
    [names] = re.findall(pattern, path.read_text("utf-8"), re.DOTALL)
    return re.findall(r"[A-Z]+_[A-Z]+", names)


def test_graphql_knows_the_topics() -> None:
    assert topics_in(SCHEMA, r"enum WebhookTopic \{(.*?)\}") == list(TOPICS)


def test_every_topic_can_be_made_to_happen() -> None:
    assert set(TOPICS) <= set(HAPPENINGS)


def test_every_option_is_in_every_body_and_a_column_of_a_subscription() -> None:
    options = set(WebhookOptions.__struct_fields__)
    assert options <= set(NewWebhook.__struct_fields__)
    assert options <= set(ChangeWebhook.__struct_fields__)
    assert options - {"secret"} == options & set(WebhookView.__struct_fields__)
    assert options <= set(Subscription.__struct_fields__)


def test_a_subscription_gives_back_the_options_it_was_created_with() -> None:
    options = WebhookOptions(url="http://receiver/", secret="s", topics=[TOPICS[0]], retries=(1.0, 2.0), ordered=True)
    columns: dict[str, Any] = dict.fromkeys(Subscription.__struct_fields__)
    columns |= to_columns(msgspec.structs.asdict(options))
    assert msgspec.json.encode(load_options(Subscription(**columns))) == msgspec.json.encode(options)


def test_an_unknown_topic_is_refused_with_the_nearest() -> None:
    with pytest.raises(BadInput, match=r"topic is .LABEL_MADE.; the nearest known are"):
        to_columns({"topics": ["LABEL_MADE"]})
