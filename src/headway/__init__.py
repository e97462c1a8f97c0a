"""headway: from what learners do to help that reaches the right learner in time."""

__version__ = "0.1.0"
