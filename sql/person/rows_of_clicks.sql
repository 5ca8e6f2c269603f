-- A person's clicks. Parameters: request, workspace.
SELECT *
FROM clicks
WHERE workspace = {workspace:String}
  AND
  (
      visitor_id IN (SELECT id FROM persons WHERE request = {request:String} AND kind = 'visitor')
      OR click_id IN (SELECT id FROM persons WHERE request = {request:String} AND kind = 'click')
  )
ORDER BY time
