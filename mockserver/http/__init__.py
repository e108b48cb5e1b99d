"""HTTP for every room that answers requests: bodies, responses, ranges, and who sent a request."""
