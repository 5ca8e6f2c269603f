-- Conversions of other customers that name a visitor or a click of the person. Parameters: request, workspace.
SELECT *
FROM conversions
WHERE workspace = {workspace:String}
  AND event_id NOT IN (SELECT name FROM persons WHERE request = {request:String} AND kind = 'event')
  AND
  (
      visitor_id IN (SELECT id FROM persons WHERE request = {request:String} AND kind = 'visitor')
      OR click_id IN (SELECT id FROM persons WHERE request = {request:String} AND kind = 'click')
  )
