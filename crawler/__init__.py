"""Fetches pages through Tor and reads listings out of stored pages."""
