"""Attacks of one caller on what all callers share, by real sockets on a gateway of its own."""
