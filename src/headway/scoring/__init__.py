"""One model version × one cohort × one as-of time → predictions with ranges and reasons, kept and never changed."""
