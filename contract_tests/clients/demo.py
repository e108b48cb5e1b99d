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
    print("(The first time, an environment for the SDK is made: up to a minute.)")
    client = programs.client(ClientKind(sdk(NEWEST), "export"), server)
    rows = client.export_project(server.projects["image"], dict.fromkeys(PARAMS, True)).rows
    print(f"\n{len(rows)} rows. The first of them, shortened:\n")
    lines = json.dumps(shortened(rows[0]), indent=2, ensure_ascii=False).splitlines()
    print("\n".join(lines[:LINES_SHOWN]))
    if len(lines) > LINES_SHOWN:
        print(f"… and {len(lines) - LINES_SHOWN} lines more")


def show_a_webhook(server: ServedWorld) -> None:
    workspace = MockServer.from_url(server.url).own
    with Receiver() as receiver:
        print(f"\nA receiver listens at {receiver.url} and is told of new labels.")
        workspace.webhook(receiver.url, "LABEL_CREATED", secret=SECRET)
        made = workspace.event("LABEL_CREATED", "image")
        [came] = receiver.wait_for(1)
    print(f"Label {made['label_id']} was made; {came.event} came {len(came.body):,} bytes long, with")
    for name in ("X-Labelbox-Id", "X-Hub-Signature", "X-Hub-Signature-256"):
        print(f"  {name}: {came.headers[name]}")
    verdict = "are those of the secret" if came.is_signed() else "ARE WRONG"
    print(f"Both signatures {verdict}. Its row tells of the label, as the next export will.")


def shortened(value: object) -> object:
    """The same with one item of each list and the beginning of each text."""
    if isinstance(value, dict):
        return {key: shortened(inner) for key, inner in value.items()}
    if isinstance(value, list):
        more = [f"… {len(value) - 1} more"] if len(value) > 1 else []
        return [*map(shortened, value[:1]), *more]
    if isinstance(value, str) and len(value) > 80:
        return f"{value[:79]}…"
    return value


if __name__ == "__main__":
    main()
