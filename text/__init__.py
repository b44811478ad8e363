"""Words as they were meant: normalise text and keep a map back to what was written."""
