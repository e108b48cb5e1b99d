"""The environment variables that lead a program to the mock."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from pathlib import Path

LOCAL = "127.0.0.1,localhost,::1"
"""Links of the mock's answers name this machine: they are reached without the proxy."""


def address_variables(ready: Mapping[str, object]) -> dict[str, str]:
    """The addresses and the key, for programs that read them. The SDK reads LABELBOX_API_KEY (client.py)."""
    return {
        "LABELBOX_API_KEY": str(ready["api_key"]),
        "LABELBOX_GRAPHQL_URL": str(ready["graphql_url"]),
        "LABELBOX_REST_URL": str(ready["rest_url"]),
    }


def proxy_variables(url: str, *, authority: Path, bundle: Path) -> dict[str, str]:
    """The proxy and its certificate, by the names that curl, requests, Node, Go and Python's ssl read."""
    proxies = {name: url for word in ("http_proxy", "https_proxy") for name in (word, word.upper())}
    trusted = dict.fromkeys(["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"], str(bundle))
    return {
        **proxies,
        **trusted,
        "no_proxy": LOCAL,
        "NO_PROXY": LOCAL,
        "NODE_EXTRA_CA_CERTS": str(authority),
        "NODE_USE_ENV_PROXY": "1",
    }


def list_trusted(environment: Mapping[str, str]) -> list[Path]:
    """The files of certificates that programs trust without us: those of the user, or of the system."""
    files = [
        environment[name] for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE") if environment.get(name)
    ]
    system = ssl.get_default_verify_paths().openssl_cafile
    return [Path(name) for name in dict.fromkeys(files or [system, "/etc/ssl/certs/ca-certificates.crt"])]
