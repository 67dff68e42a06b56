"""What is true: life cycles, rules and vocabulary. Pure code, no I/O, time is an argument."""
