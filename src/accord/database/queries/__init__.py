"""The SELECTs, one file per noun."""
