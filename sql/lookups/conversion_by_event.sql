-- What was answered to the first conversion with this event id, if there was one.
-- Parameters: workspace, event_id. One row at most: the key of the table is (workspace, event_id), and
-- FINAL keeps the earliest accepted.
SELECT kind, body_digest, received_at
FROM conversions FINAL
WHERE workspace = {workspace:String} AND event_id = {event_id:String}
LIMIT 1
