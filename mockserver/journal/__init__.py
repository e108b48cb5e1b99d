"""The last requests of each workspace with their answers, and what of them was not understood."""
