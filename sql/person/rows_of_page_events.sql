-- A person's page events. Parameters: request, workspace.
SELECT *
FROM page_events
WHERE workspace = {workspace:String}
  AND event_id IN (SELECT id FROM persons WHERE request = {request:String} AND kind = 'page_event')
  AND
  (
      customer IN (SELECT name FROM persons WHERE request = {request:String} AND kind = 'customer')
      OR customer = ''
  )
ORDER BY occurred_at, event_id
