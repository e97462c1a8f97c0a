"""Splits by time and learner, paradigms, metrics with intervals, calibration, ranges, capacity, named protocols.

Pure: it is given records that `features` can compute on and returns numbers. No random split of rows exists here.
"""
