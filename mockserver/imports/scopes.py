"""The features that a line may name: those of an ontology, level by level, by name, by machine name and by id."""

from __future__ import annotations

from collections.abc import Iterable

from mockserver.generate.features import Feature, Ontology
from mockserver.imports.lines import Named
from mockserver.imports.problems import LineProblem, refuse_feature


class Scope:
    """The features of one level. A display name is found before a machine name (SDK 3.x compares questions and options
    by machine name, bulk_import_request.py `get_mal_schemas`; newer ones send display names)."""

    def __init__(self, features: Iterable[Feature], where: str) -> None:
        self._features, self._where = tuple(features), where
        self._by_id = {feature.schema_id: feature for feature in self._features}
        self._by_name: dict[str, Feature] = {}
        for name in ("name", "value"):
            for feature in self._features:
                self._by_name.setdefault(getattr(feature, name), feature)
        self._below: dict[str, Scope] = {}

    def find(self, reference: Named, path: str) -> Feature:
        """The feature that a part of a line names. Raises LineProblem."""
        feature_id = reference.feature_id
        if feature_id is None and reference.name is None:
            raise LineProblem(
                "MalformedAnnotation", f"{path or 'The line'} has neither name nor schemaId; expected one of them"
            )
        prefix = f"{path}." if path else ""
        if feature_id is not None:
            feature = self._by_id.get(feature_id)
            if feature is None:
                raise refuse_feature(f"{prefix}schemaId", feature_id, self._by_id, self._where)
            return feature
        feature = self._by_name.get(reference.name or "")
        if feature is None:
            names = [known.name for known in self._features]
            raise refuse_feature(f"{prefix}name", reference.name or "", names, self._where)
        return feature

    def questions_of(self, feature: Feature) -> Scope:
        """The questions below a tool or an answer."""
        return self._scope(feature, feature.questions, f"the ontology below {feature.name!r}")

    def answers_of(self, question: Feature) -> Scope:
        """The options of a question."""
        return self._scope(question, question.answers, f"the question {question.name!r}")

    def _scope(self, above: Feature, features: tuple[Feature, ...], where: str) -> Scope:
        if above.schema_id not in self._below:
            self._below[above.schema_id] = Scope(features, where)
        return self._below[above.schema_id]


def build_scope(ontology: Ontology) -> Scope:
    """The tools and the questions at the top of an ontology, which lines name in the same way."""
    return Scope((*ontology.tools, *ontology.questions), "the ontology")
