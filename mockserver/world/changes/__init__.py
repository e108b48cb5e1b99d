"""The changes of a world, a family in each file: methods that open a transaction and append their events."""
