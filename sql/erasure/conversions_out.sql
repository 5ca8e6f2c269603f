-- Takes away a person's conversions, which stand there anew without their names (conversions_in.sql).
-- Parameters: request, workspace.
ALTER TABLE conversions DELETE
WHERE workspace = {workspace:String}
  AND event_id IN (SELECT name FROM persons WHERE request = {request:String} AND kind = 'stand_in')
