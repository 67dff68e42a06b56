"""SCIM 2.0 (RFC 7643, RFC 7644): how an organisation's directory keeps its people here (S65)."""
