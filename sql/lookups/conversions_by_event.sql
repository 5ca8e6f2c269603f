-- What was accepted under these event ids.
-- Parameters: workspace, events. One row at most for each: the key of the table is (workspace, event_id),
-- and FINAL keeps the one of highest precedence.
SELECT event_id, kind, name, click_id, customer, amount_minor, currency, reference, body_digest, source = 'server' AS by_server
FROM conversions FINAL
WHERE workspace = {workspace:String} AND event_id IN {events:Array(String)}
