-- The copies of a person's clicks that conversions carry. Parameters: request, workspace.
SELECT *
FROM carried_clicks
WHERE workspace = {workspace:String}
  AND
  (
      visitor_id IN (SELECT id FROM persons WHERE request = {request:String} AND kind = 'visitor')
      OR click_id IN (SELECT id FROM persons WHERE request = {request:String} AND kind = 'click')
  )
ORDER BY time
