-- Takes up all clicks of the person's visitors.
-- Parameters: request, workspace.
INSERT INTO persons (request, workspace, kind, id)
SELECT DISTINCT {request:String}, {workspace:String}, 'click', click_id
FROM clicks
WHERE workspace = {workspace:String}
  AND click_id != 0
  AND visitor_id IN (SELECT id FROM persons WHERE request = {request:String} AND kind = 'visitor')
  AND click_id NOT IN (SELECT id FROM persons WHERE request = {request:String} AND kind = 'click')
