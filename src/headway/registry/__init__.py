"""Model versions and their files, in MLflow."""
