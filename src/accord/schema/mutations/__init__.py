"""The root fields that change something: input, payload and one call of a service each, one file per noun."""
