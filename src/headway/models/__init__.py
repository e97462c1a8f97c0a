"""Risk and forecast models, one a file: fit, predict, say what each feature contributed. No I/O."""
