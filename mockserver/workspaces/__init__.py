"""The workspaces of a server: which API keys there are, what is behind each of them, and where it is kept."""
