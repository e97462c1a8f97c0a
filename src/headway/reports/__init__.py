"""Self-contained HTML files for people: the list with its reasons, how well the model does. No script, no request."""
