"""For people: the official SDK, unmodified, exports from a server of our own, and a receiver gets a signed webhook."""

import json

from contract_tests.clients.clients import ClientKind, RunningPrograms, sdk
from contract_tests.clients.documents import PARAMS
from contract_tests.clients.environments import NEWEST
from contract_tests.receiving import SECRET, Receiver
from contract_tests.serving import ServedWorld
from mockserver.testing import MockServer

LINES_SHOWN = 60


def main() -> None:
    programs = RunningPrograms()
    try:
        with ServedWorld() as server:
            show_an_export(programs, server)
            show_a_webhook(server)
    finally:
        programs.close()
    print("\nTo keep a server running: .venv/bin/mockserver serve")


def show_an_export(programs: RunningPrograms, server: ServedWorld) -> None:
    print(f"A server is ready at {server.url}. labelbox {NEWEST} exports the project `image` …")
    print("(The first time, an environment for the SDK is created, which takes up to a minute.)")
    client = programs.client(ClientKind(sdk(NEWEST), "export"), server)
    rows = client.export_project(server.projects["image"], dict.fromkeys(PARAMS, True)).rows
    print(f"\n{len(rows)} rows. The first one, shortened:\n")
    lines = json.dumps(shorten(rows[0]), indent=2, ensure_ascii=False).splitlines()
    print("\n".join(lines[:LINES_SHOWN]))
    if len(lines) > LINES_SHOWN:
        print(f"… and {len(lines) - LINES_SHOWN} more lines")


def show_a_webhook(server: ServedWorld) -> None:
    workspace = MockServer.from_url(server.url).own
    with Receiver() as receiver:
        print(f"\nA receiver listens at {receiver.url} and subscribes to new labels.")
        workspace.webhook(receiver.url, "LABEL_CREATED", secret=SECRET)
        created = workspace.event("LABEL_CREATED", "image")
        [message] = receiver.wait_for(1)
    print(
        f"Label {created['label_id']} was created. The receiver got {message.event}, {len(message.body):,} bytes, with"
    )
    for name in ("X-Labelbox-Id", "X-Hub-Signature", "X-Hub-Signature-256"):
        print(f"  {name}: {message.headers[name]}")
    verdict = "are valid" if message.is_signed() else "ARE WRONG"
    print(f"Both signatures {verdict}. The body holds the row with its new label, as the next export will.")


def shorten(value: object) -> object:
    """Keeps one item of each list and the beginning of each text."""
    if isinstance(value, dict):
        return {key: shorten(inner) for key, inner in value.items()}
    if isinstance(value, list):
        more = [f"… {len(value) - 1} more"] if len(value) > 1 else []
        return [*map(shorten, value[:1]), *more]
    if isinstance(value, str) and len(value) > 80:
        return f"{value[:79]}…"
    return value


if __name__ == "__main__":
    main()
