"""How tests drive the server: everything under `/_mock/`."""
