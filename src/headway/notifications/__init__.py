"""How people and other systems are told: an outbox, and mail, signed webhooks, Slack, Teams and calendars.

What is told holds a pseudonym, a sentence and a link, nothing else of a person. What to tell is decided above.
"""
