"""Webhook receivers as people write them: each a program that prints the port it listens on."""
