"""The verbs of the tool and when they run."""
