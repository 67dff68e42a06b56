"""What the platform does: one async function per business act, called inside one write transaction."""
