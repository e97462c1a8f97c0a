"""What learners say, read by rules that ship with headway and by models fitted on a workspace's own labels.

Everything here is pure: texts in, numbers out. Nothing decides about a learner; a score sorts what a human reads.
"""
