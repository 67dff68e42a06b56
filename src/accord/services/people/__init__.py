"""Who belongs to an organisation: joining, changing, leaving, signing in."""
