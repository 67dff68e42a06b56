"""Who asks: issuers, keys and tokens."""
