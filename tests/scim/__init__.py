"""The service for directories, asked as directories ask it."""
