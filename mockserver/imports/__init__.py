"""Imports: data rows, labels and predictions as clients send them become changes of the world."""
