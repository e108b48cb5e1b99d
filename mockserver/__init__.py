"""A self-hosted mock of Labelbox's export side."""

__version__ = "0.1.0"
