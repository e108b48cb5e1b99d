"""The control API, by which tests control the server: everything under `/_mock/`."""
