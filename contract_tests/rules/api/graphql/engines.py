"""An engine for the tests of its parts: to build its schema takes half a second."""

from mockserver.api.graphql.engine import Engine
from mockserver.api.graphql.resolvers import MODULES

ENGINE = Engine(MODULES)
