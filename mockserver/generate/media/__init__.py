"""The generators of the media types, a module for each; `get_generator` finds them by world/media.py."""
