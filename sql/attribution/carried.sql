-- The clicks that conversions carry, whenever they were, and whether each can be a touch. Stands behind theirs.sql.
-- Parameters: those of theirs.sql, and
--   by           a column: what touches are called by
--   all_traffic  0 for clicks of people (human, and duplicate: the same again), 1 for every verdict
SELECT click_id, visitor_id, at, label, counts
FROM carried
