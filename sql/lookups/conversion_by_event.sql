-- What was answered to the conversion that stands for this event id, if there is one.
-- Parameters: workspace, event_id. One row at most: the key of the table is (workspace, event_id), and
-- FINAL keeps the one of highest precedence.
SELECT kind, body_digest, received_at, source = 'server' AS by_server
FROM conversions FINAL
WHERE workspace = {workspace:String} AND event_id = {event_id:String}
LIMIT 1
