"""Markets of the make of Agora."""
