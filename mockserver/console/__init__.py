"""The page for people: views of the world as HTML, and the documentation beside them.

`routes` is imported when the server starts; all other modules, and Jinja2, when the first view is requested.
"""
