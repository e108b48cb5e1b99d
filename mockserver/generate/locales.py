"""Word tables of another locale, created by Faker on request. Extra `generate`; the server never needs it."""

from __future__ import annotations

from mockserver.errors import StartupError, nearest, quote
from mockserver.generate.words import list_tables

ENTRIES = 400


def build_tables(locale: str, seed: int) -> dict[str, tuple[str, ...]]:
    """Sentences and places of a locale, in place of all committed ones. Raises StartupError.

    The words that Faker draws from a seed may change between its versions; the same version draws the same words.
    """
    try:
        from faker import Faker
        from faker.config import AVAILABLE_LOCALES
    except ModuleNotFoundError:
        raise StartupError(
            "--locale needs Faker, which is not installed: pip install 'labelbox-mockserver[generate]'"
        ) from None
    if locale not in AVAILABLE_LOCALES:
        known = quote(nearest(locale, AVAILABLE_LOCALES))
        raise StartupError(f"--locale is {locale!r}; the nearest known are {known}")
    fake = Faker(locale)
    fake.seed_instance(seed)
    sentences = tuple(fake.sentence() for _ in range(ENTRIES))
    places = tuple(fake.city() for _ in range(ENTRIES))
    tables = {name: sentences for name in list_tables() if name.startswith("sentences_")}
    return tables | {"places": places}
