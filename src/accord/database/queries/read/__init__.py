"""What the API reads: row classes and SELECTs compiled once, one file per noun; visibility is part of each of them."""
