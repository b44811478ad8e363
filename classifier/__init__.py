"""Says what a listing is about, and how sure."""
