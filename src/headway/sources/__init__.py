"""One file for each system that we read: bytes in, records out."""
