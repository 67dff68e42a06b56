"""The API: fields, their permissions, and nothing that decides or remembers. `schema.py` is the table of contents."""
