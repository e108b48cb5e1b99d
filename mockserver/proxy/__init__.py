"""A proxy for programs that have the service's hosts wired in: their requests reach the mock, and no others do."""
