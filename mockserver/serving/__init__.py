"""The layer between the network and the application: connections, their bounds, and the limit on lines of the log."""
