"""Who may see and do what, and the proof of what was done."""
