"""The built-in features, one family a module. Every module here is imported by the feature registry."""
