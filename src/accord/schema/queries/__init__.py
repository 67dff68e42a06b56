"""The root fields that read, one file per noun."""
