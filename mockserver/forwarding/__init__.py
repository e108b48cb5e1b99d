"""Requests between replicas: one that is about a workspace of another replica is answered by that one."""
