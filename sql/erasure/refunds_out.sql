-- Takes away what stands there anew (refunds_in.sql). Parameters: request, workspace.
ALTER TABLE refunds DELETE
WHERE workspace = {workspace:String}
  AND
  (
      event_id IN (SELECT name FROM persons WHERE request = {request:String} AND kind = 'stand_in')
      OR reference IN (SELECT name FROM persons WHERE request = {request:String} AND kind = 'stand_in')
  )
