-- Parts of the tables that a person was in which a change or a merge has replaced, and which are still on disk.
SELECT table, name
FROM system.parts
WHERE database = currentDatabase()
  AND NOT active
  AND table IN ('clicks', 'carried_clicks', 'conversions', 'conversion_numbers', 'refunds', 'confirmations', 'page_events', 'lane_gaps', 'persons')
ORDER BY table, name
