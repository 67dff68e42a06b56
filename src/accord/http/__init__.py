"""The edge: bytes in, Context out."""
