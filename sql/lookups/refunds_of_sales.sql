-- What takes these sales back: their refunds and cancellations, in the columns of conversions_by_event.sql.
-- Parameters: workspace; sales, their event ids; most, how many rows of one sale at most. Found through
-- the table refunds, whose key is (workspace, reference); whether an event stands is known by FINAL alone.
SELECT event_id, kind, name, click_id, customer, amount_minor, currency, reference, body_digest, source = 'server' AS by_server
FROM conversions FINAL
WHERE workspace = {workspace:String}
  AND reference IN {sales:Array(String)}
  AND event_id IN
  (
      SELECT event_id FROM refunds WHERE workspace = {workspace:String} AND reference IN {sales:Array(String)}
  )
LIMIT {most:UInt32} BY reference
