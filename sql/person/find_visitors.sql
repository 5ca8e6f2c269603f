-- Takes up the visitors who made the person's clicks. A click's id begins with its time, and the hour leads to its row.
-- Parameters: request, workspace.
INSERT INTO persons (request, workspace, kind, id)
SELECT DISTINCT {request:String}, {workspace:String}, 'visitor', visitor_id
FROM clicks
WHERE workspace = {workspace:String}
  AND visitor_id != 0
  AND (toStartOfHour(time), click_id) IN
  (
      SELECT toStartOfHour(fromUnixTimestamp64Milli(toInt64(bitShiftRight(id, 80)), 'UTC')), id
      FROM persons
      WHERE request = {request:String} AND kind = 'click'
  )
  AND visitor_id NOT IN (SELECT id FROM persons WHERE request = {request:String} AND kind = 'visitor')
