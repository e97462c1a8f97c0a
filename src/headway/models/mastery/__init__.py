"""What a learner has mastered, traced answer by answer: Bayesian, factor, logistic and deep knowledge tracing.

One module for each way to trace; `tracer` says what they share. Like other models they do no I/O and know nothing of
as-of times: who calls them cuts the answers.
"""
