-- What confirms a person's clicks. Parameters: request, workspace.
SELECT *
FROM confirmations
WHERE workspace = {workspace:String}
  AND click_id IN (SELECT id FROM persons WHERE request = {request:String} AND kind = 'click')
ORDER BY confirmed_at
