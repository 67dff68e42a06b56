"""A GraphQL gateway for partner access between organisations."""
