"""Changes of the organization's integrations with clouds, and of the datasets that use them."""

from __future__ import annotations

from collections.abc import Mapping

from mockserver.errors import BadInput, Conflict
from mockserver.world.change import Change
from mockserver.world.clause import Clause
from mockserver.world.record import encode_json
from mockserver.world.records.data_rows import Dataset
from mockserver.world.records.events import EventKind
from mockserver.world.records.integrations import IamIntegration
from mockserver.world.store import Store

MOST_INTEGRATIONS = 1_000


class IntegrationChanges:
    """The changes of one store's integrations."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def create(self, name: str, provider: str, settings: Mapping[str, str], *, valid: bool) -> IamIntegration:
        """Raises BadInput, Conflict."""
        _check_name(name)
        with self._store.change() as change:
            if change.connection.count(IamIntegration) >= MOST_INTEGRATIONS:
                raise Conflict(f"There are {MOST_INTEGRATIONS:,} IAM integrations already; delete one first")
            integration = IamIntegration(
                change.new_id(), name, provider, encode_json(dict(settings)), is_org_default=False,
                last_valid_at=change.now if valid else None, created_at=change.now, updated_at=change.now,
            )  # fmt: skip
            change.connection.insert([integration])
            _add_event(change, integration)
            return integration

    def update(
        self, integration_id: str, name: str, provider: str, settings: Mapping[str, str], *, valid: bool
    ) -> IamIntegration:
        """Replaces name and settings. Raises NotFound, and BadInput when it is one of another provider."""
        _check_name(name)
        with self._store.change() as change:
            integration = change.one(IamIntegration, integration_id)
            if integration.provider != provider:
                raise BadInput(
                    f"IAM integration {integration_id!r} is one of {integration.provider}, and settings of {provider}"
                    " were sent; send those of its provider"
                )
            return _update(
                change, integration, name=name, settings=encode_json(dict(settings)), updated_at=change.now,
                last_valid_at=change.now if valid else None,
            )  # fmt: skip

    def record_check(self, integration_id: str, *, valid: bool) -> IamIntegration:
        """Records the result of a validation. Raises NotFound."""
        with self._store.change() as change:
            integration = change.one(IamIntegration, integration_id)
            return _update(change, integration, last_valid_at=change.now if valid else None)

    def set_default(self, integration_id: str) -> IamIntegration:
        """Makes an integration the one that new datasets get from SDKs. Raises NotFound."""
        with self._store.change() as change:
            integration = change.one(IamIntegration, integration_id)
            change.connection.update(IamIntegration, Clause("is_org_default"), is_org_default=False)
            return _update(change, integration, is_org_default=True, updated_at=change.now)

    def delete(self, integration_id: str) -> str:
        """Deletes an integration, also from the datasets that use it. Raises NotFound."""
        with self._store.change() as change:
            integration = change.one(IamIntegration, integration_id)
            change.connection.update(Dataset, Clause("signer_id = :id", id=integration.id), signer_id=None)
            change.connection.delete(IamIntegration, Clause("id = :id", id=integration.id))
            _add_event(change, integration)
            return integration.id

    def set_signer(self, dataset_id: str, integration_id: str | None) -> Dataset:
        """Lets a dataset use an integration, or with None none. Raises NotFound."""
        with self._store.change() as change:
            dataset = change.one(Dataset, dataset_id)
            signer = None if integration_id is None else change.one(IamIntegration, integration_id).id
            place = Clause("id = :id", id=dataset.id)
            change.connection.update(Dataset, place, signer_id=signer, updated_at=change.now)
            change.add_event(EventKind.DATASET_UPDATED, dataset=dataset.id)
            return change.one(Dataset, dataset_id)


def _check_name(name: str) -> None:
    if not name.strip():
        raise BadInput(f"An IAM integration has the name {name!r}; expected a text that is not empty")


def _update(change: Change, integration: IamIntegration, **values: object) -> IamIntegration:
    change.connection.update(IamIntegration, Clause("id = :id", id=integration.id), **values)
    _add_event(change, integration)
    return change.one(IamIntegration, integration.id)


def _add_event(change: Change, integration: IamIntegration) -> None:
    change.add_event(EventKind.SCHEMA_UPDATED, id=integration.id)
