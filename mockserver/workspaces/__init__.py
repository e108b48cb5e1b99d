"""The workspaces of a server: which API keys there are, and the world and the parts behind each of them."""
