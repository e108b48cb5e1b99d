"""The hosts of the real service."""

from __future__ import annotations

DOMAIN = "labelbox.com"
"""`api.labelbox.com` is the default of every SDK (client.py), `app.` and `editor.` are in links that it prints."""


def is_real_host(host: str) -> bool:
    """Whether a name is one of the service's own."""
    name = host.rstrip(".").lower()
    return name == DOMAIN or name.endswith(f".{DOMAIN}")
