"""The server: live records in, predictions and their reasons out. Only this package knows the web framework."""
