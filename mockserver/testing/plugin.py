"""Loads the plugin for environments that were installed before it moved to `labelbox_mockserver`."""

from importlib import import_module

globals().update(vars(import_module("mockserver.entry_points.labelbox_mockserver.pytest_plugin")))
