"""Queries that need more than the columns of one table: the only place beside the families of changes that has SQL."""
