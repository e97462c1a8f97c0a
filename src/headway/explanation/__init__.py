"""From a model's contributions to reasons in plain words. Pure: arrays in, dataclasses out."""
