"""A private Tor network on loopback with invented markets, for demonstration, training and tests."""
