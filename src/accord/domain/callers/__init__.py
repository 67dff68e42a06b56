"""Whoever asks: people who sign in, directories, and requests that are sent again."""
