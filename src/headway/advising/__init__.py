"""From predictions to a list of people to contact, cut at what advisers can do. No I/O happens here."""
