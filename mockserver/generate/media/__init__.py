"""What each media type holds: one module for each, found by `medium.get_generator`."""
