"""Scenario and seed in, world out: ontologies, annotations, histories and tiny real media assets."""
