"""Changes of the service's API by their dates. A workspace with an earlier payload date acts as before them.

The changes of Export V2 are in `exports/dates.py`.
"""

from __future__ import annotations

import datetime

from mockserver.world.store import Store

QUEUES_ARE_BATCHES = datetime.date(2023, 7, 1)
"""Projects whose queue is made of datasets are refused. Client: tests of SDK 3.42 (2023-03) make one, those of 3.52
(2023-09) are refused; the day is inferred."""
EDITOR_FROM_THE_START = datetime.date(2026, 1, 1)
"""A new project has an editor. Client: tests of 2026; null in those of 2024-10, the day is inferred."""

MISSING_APP_IS_NAMED = datetime.date(2026, 1, 1)
"""The error for an app that does not exist says so; before, the query was not valid. Client: tests of 2024-08 to 2026
and a comment of SDK 7.17 (foundry_client.py `_get_app`); the day is inferred."""

LACKS_ARE_MALFORMED = datetime.date(2024, 9, 20)
"""A request of a labeling service that lacks something is malformed; before, SDKs did not know the error's code, and
its message was the list of what is missing. Client: tests of SDKs 3.78 to 5.0 (2024-09-16) and of 5.1 (2024-09-27); the
day and the earlier code are inferred."""

MODELS_OF_CHATS_ALONE = datetime.date(2024, 7, 10)
"""Only projects with live chats have model configs. Client: tests of SDK 3.72.2 (2024-06-10) add one to an ordinary
project, those of 3.75.1 (2024-07-16) to one of chats; the day is inferred."""


def is_since(store: Store, day: datetime.date) -> bool:
    """Whether a workspace acts as the service did on that day and later; without a payload date it always does."""
    date = store.workspace.payload_date
    return date is None or datetime.date.fromisoformat(date) >= day
