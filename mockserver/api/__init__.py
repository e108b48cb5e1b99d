"""How the world is asked: authentication, GraphQL, REST, downloads. Shapes of the wire, no rules."""
