"""Says what changed: figures, charts and the trend report."""
