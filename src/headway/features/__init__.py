"""The point-in-time engine, the feature library, label definitions and feature views.

This package computes and does no I/O: it is given `Records` (see `engine`) and hands back Arrow tables. Only `as_of`
compares a record's time with an as-of time.
"""
