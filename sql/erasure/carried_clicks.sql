-- The copies of a person's clicks: they are copied again as they are now.
-- Parameters: request, workspace.
ALTER TABLE carried_clicks DELETE
WHERE workspace = {workspace:String}
  AND
  (
      visitor_id IN (SELECT id FROM persons WHERE request = {request:String} AND kind = 'visitor')
      OR click_id IN (SELECT id FROM persons WHERE request = {request:String} AND kind = 'click')
  )
