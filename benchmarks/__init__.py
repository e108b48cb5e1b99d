"""Measures speed and memory, each figure with a peer's of the same run (benchmarks/README.md)."""
