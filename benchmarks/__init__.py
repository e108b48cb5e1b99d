"""How fast and how small, each figure beside a peer's of the same run (benchmarks/README.md)."""
