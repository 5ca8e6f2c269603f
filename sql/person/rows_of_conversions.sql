-- A person's conversions, and what takes them back. Parameters: request, workspace.
SELECT *
FROM conversions
WHERE workspace = {workspace:String}
  AND
  (
      event_id IN (SELECT name FROM persons WHERE request = {request:String} AND kind = 'event')
      OR customer IN (SELECT name FROM persons WHERE request = {request:String} AND kind = 'customer')
      OR reference IN (SELECT name FROM persons WHERE request = {request:String} AND kind = 'event')
  )
ORDER BY occurred_at
