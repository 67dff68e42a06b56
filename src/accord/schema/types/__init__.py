"""The types of the contract, one file per noun; an object is the database row as it came."""
