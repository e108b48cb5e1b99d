"""Databases of the test session's private PostgreSQL, which is started when the first one is needed."""

import atexit
import functools
import itertools
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from contract_tests.postgres import PrivateCluster
from mockserver.world.postgres.catalog import Catalog
from mockserver.world.postgres.migration import prepare
from mockserver.world.postgres.pool import Pool

_NUMBERS = itertools.count(1)


@functools.cache
def start_cluster() -> PrivateCluster:
    """The cluster of this process, which ends with it."""
    cluster = PrivateCluster()
    cluster.__enter__()
    atexit.register(cluster.stop)
    return cluster


def create_database(*options: str) -> str:
    """Creates an empty database, and returns its address for `--state`. `options` are those of CREATE DATABASE."""
    dsn = start_cluster().dsn
    name = f"mock_{next(_NUMBERS)}"
    with psycopg.connect(dsn, autocommit=True) as raw:
        raw.execute(f'CREATE DATABASE "{name}" {" ".join(options)}'.encode())
    return name_database(dsn, name)


def name_database(dsn: str, name: str) -> str:
    """The address of another database of the same server."""
    parts = conninfo_to_dict(make_conninfo(dsn))
    return f"postgresql:///{name}?host={parts['host']}&user={parts['user']}"


@contextmanager
def open_catalog() -> Iterator[Catalog]:
    """The lives and manifests of an empty database, which is prepared for this version."""
    dsn = create_database()
    with psycopg.connect(dsn, autocommit=True) as raw:
        prepare(raw)
    pool = Pool(dsn, most=20)
    yield Catalog(pool)
    pool.close()


def empty(catalog: Catalog) -> Catalog:
    """Removes all lives and manifests, which is quicker than another database."""
    for home, _ in catalog.list_manifests():
        catalog.delete_manifest(home)
    for life in catalog.list_lives():
        catalog.remove_life(life)
    return catalog
