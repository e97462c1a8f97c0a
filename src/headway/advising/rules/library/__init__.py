"""The built-in alert rules: each module here is read at first use."""
