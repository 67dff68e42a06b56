"""What the verification of the activity chains reads: streams, their events in order, and events by number."""

from __future__ import annotations

from typing import Final

STREAMS: Final = """
SELECT s.id, h.sequence, h.hash, h.anchored,
  o.id IS NOT NULL OR s.id = '00000000-0000-0000-0000-000000000000' AS known
FROM (
  SELECT stream_id AS id FROM accord.chain_heads
  UNION SELECT id FROM accord.organisations
  UNION SELECT stream_id FROM accord.activity_events
  UNION SELECT '00000000-0000-0000-0000-000000000000'
) s
LEFT JOIN accord.chain_heads h ON h.stream_id = s.id
LEFT JOIN accord.organisations o ON o.id = s.id
ORDER BY s.id
"""
"""Every stream that anything speaks of, with its head where it has one; the platform's is always among them."""

EVENTS: Final = "SELECT * FROM accord.activity_events ORDER BY stream_id, sequence"

FOUND: Final = """
SELECT e.hash FROM unnest($1::uuid[], $2::bigint[]) WITH ORDINALITY w (stream_id, sequence, place)
LEFT JOIN accord.activity_events e ON e.stream_id = w.stream_id AND e.sequence = w.sequence ORDER BY w.place
"""

HAS_HASH: Final = "SELECT 1 FROM accord.activity_events WHERE stream_id = $1 AND hash = $2 LIMIT 1"
