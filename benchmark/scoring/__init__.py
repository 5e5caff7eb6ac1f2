"""Where predictions meet the truth: metrics, the scorer and the audit."""
