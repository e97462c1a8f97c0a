"""The terminal's words for flow: results on stdout, talk on stderr, documented exit codes. No logic lives here."""
