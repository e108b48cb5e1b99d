"""The layer between the network and the application: connections, their bounds, and the limit on lines of the log."""

from mockserver.packages import defer

defer("uvicorn", Config="uvicorn.config")  # its lifespan uses this name
