"""Who may: principals, permissions and the one decision function. Pure code, no I/O."""
