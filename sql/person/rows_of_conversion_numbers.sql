-- The journals' numbers of a person's conversions. Parameters: request, workspace.
SELECT *
FROM conversion_numbers
WHERE workspace = {workspace:String}
  AND event_id IN (SELECT name FROM persons WHERE request = {request:String} AND kind = 'event')
ORDER BY lane, seq
