"""The nouns that every other package shares: time, records, runs, errors, extension points. No I/O happens here."""
