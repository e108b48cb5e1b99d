"""Exports of the world: selections as rows of Export V2, divided into files, behind asynchronous tasks."""
