-- What takes a person's sales back. Parameters: request, workspace.
SELECT *
FROM refunds
WHERE workspace = {workspace:String}
  AND
  (
      event_id IN (SELECT name FROM persons WHERE request = {request:String} AND kind = 'event')
      OR reference IN (SELECT name FROM persons WHERE request = {request:String} AND kind = 'event')
  )
ORDER BY reference, event_id
