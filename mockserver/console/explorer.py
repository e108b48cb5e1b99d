"""Two consoles that are read on demand: for GraphQL, and for the control API by its OpenAPI document."""

from __future__ import annotations

from starlette.responses import Response

from mockserver.console.view import View

DOCUMENT = """query Explore {
  projects {
    id
    name
  }
}"""
"""The document that the console begins with."""


def show_graphql(view: View) -> Response:
    """Shows the console for GraphQL. Its script asks the server for the schema."""
    return view.render("graphql.html", document=DOCUMENT)


def show_api(view: View) -> Response:
    """Shows the control API. Its script fetches the OpenAPI document."""
    return view.render("api.html")
