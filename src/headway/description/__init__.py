"""What a course's records say: how good they are (`quality`), and how the course went (`course`). Only reads."""
