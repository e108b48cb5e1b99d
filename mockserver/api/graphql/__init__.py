"""GraphQL: one SDL file, the engine that answers documents, and the resolvers of its fields."""
