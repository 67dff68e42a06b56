"""Whoever asks: people who sign in, directories and their credentials, what is kept of their requests."""
