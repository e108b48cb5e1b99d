"""What goes out: selections of the world as Export V2 rows, cut into files, behind asynchronous tasks."""
