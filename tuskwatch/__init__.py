"""The front door: commands, settings, and the parts put together."""
