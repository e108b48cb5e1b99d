"""The page for users, with the addresses and the contents of this server, and the documentation beside it."""
