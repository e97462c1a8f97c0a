"""Alert rules: what opens a task. One file or one function adds one; the workspace adds more by configuration."""
