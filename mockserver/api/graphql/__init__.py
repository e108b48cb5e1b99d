"""GraphQL: one SDL file, the engine that answers documents, and the resolvers of its fields."""

from mockserver.api.graphql.nodes import import_core

import_core()
