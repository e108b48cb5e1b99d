"""Webhooks: events become signed messages, and messages are delivered."""
