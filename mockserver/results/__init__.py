"""The results of exports and the uploads of clients: named files in a folder, a database or an object store."""
