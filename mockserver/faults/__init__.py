"""Failures of the real service and of networks, by name: which there are, when they happen, and how they are caused."""
