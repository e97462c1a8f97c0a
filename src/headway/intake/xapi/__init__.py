"""xAPI statements as they arrive: complete validation, comparison, query terms, attachments. Pure; no I/O, no clock."""
