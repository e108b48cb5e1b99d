"""A webhook whose secret is replaced: for a while messages are signed with either, and then with the new one alone."""

import pytest

from contract_tests.receiving import SECRET, Answer, Received, Receiver
from contract_tests.rules.control_calls import control
from mockserver.testing import ControlRefusedError, MockWorkspace

NEW = "another-secret"


def signer(message: Received) -> str:
    """The secret that both signatures of a message are right for."""
    [secret] = [secret for secret in (SECRET, NEW) if message.is_signed(secret)]
    return secret


def make_events(workspace: MockWorkspace, receiver: Receiver, count: int) -> list[str]:
    """The secrets of the messages about so many more events, each awaited before the next."""
    before = len(receiver.received)
    for number in range(count):
        workspace.event("LABEL_UPDATED", "image")
        receiver.wait_for(before + number + 1)
    return [signer(message) for message in receiver.received[before:]]


def view(workspace: MockWorkspace) -> dict[str, object]:
    [webhook] = control(workspace, "GET", "webhooks").json()["webhooks"]
    return dict(webhook)


@pytest.mark.known("inferred")
def test_for_a_while_messages_are_signed_with_either_secret_in_turns(workspace: MockWorkspace) -> None:
    workspace.clock.freeze()
    with Receiver() as receiver:
        webhook = workspace.webhook(receiver.url, "LABEL_UPDATED", secret=SECRET)
        assert make_events(workspace, receiver, 2) == [SECRET, SECRET]
        workspace.rotate_secret(webhook, NEW, overlap=3600)
        assert make_events(workspace, receiver, 4) == [NEW, SECRET, NEW, SECRET]
        workspace.clock.advance(3600)
        assert make_events(workspace, receiver, 3) == [NEW, NEW, NEW]


@pytest.mark.known("inferred")
def test_a_message_that_waits_for_a_retry_keeps_its_signature(workspace: MockWorkspace) -> None:
    """Every retry sends the same bytes and headers, also when the overlap has ended."""
    workspace.clock.freeze()
    with Receiver(Answer(status=500)) as receiver:
        webhook = workspace.webhook(receiver.url, "LABEL_UPDATED", secret=SECRET, retries=[60])
        assert make_events(workspace, receiver, 1) == [SECRET]
        workspace.rotate_secret(webhook, NEW, overlap=1)
        workspace.clock.advance(days=1)
        assert [signer(message) for message in receiver.wait_for(2)] == [SECRET, SECRET]


def test_without_an_overlap_only_the_new_secret_is_used(workspace: MockWorkspace) -> None:
    workspace.clock.freeze()
    with Receiver() as receiver:
        webhook = workspace.webhook(receiver.url, "LABEL_UPDATED", secret=SECRET)
        workspace.rotate_secret(webhook, "a-third", overlap=3600)
        control(workspace, "PATCH", f"webhooks/{webhook}", json={"secret": NEW})
        assert view(workspace)["previous_secret_until"] is None
        assert make_events(workspace, receiver, 2) == [NEW, NEW]


def test_a_webhook_shows_until_when_and_no_secret(workspace: MockWorkspace) -> None:
    workspace.clock.freeze()
    workspace.clock.set("2025-03-01T00:00:00Z")
    webhook = workspace.webhook("http://127.0.0.1:1/", "LABEL_UPDATED", secret=SECRET)
    assert view(workspace)["previous_secret_until"] is None
    workspace.rotate_secret(webhook, NEW, overlap=86_400)
    assert view(workspace)["previous_secret_until"] == "2025-03-02T00:00:00.000Z"
    assert not {SECRET, NEW} & set(map(str, view(workspace).values()))


def test_an_overlap_without_a_secret_is_refused(workspace: MockWorkspace) -> None:
    webhook = workspace.webhook("http://127.0.0.1:1/", "LABEL_UPDATED")
    refused = control(workspace, "PATCH", f"webhooks/{webhook}", json={"overlap": 60})
    assert refused.status_code == 400
    assert "without a secret; expected both" in refused.json()["message"]
    with pytest.raises(ControlRefusedError, match=r"overlap"):
        workspace.rotate_secret(webhook, NEW, overlap=-1)
