-- Page events of other customers that name a visitor or a click of the person. Parameters: request, workspace.
SELECT *
FROM page_events
WHERE workspace = {workspace:String}
  AND event_id NOT IN (SELECT id FROM persons WHERE request = {request:String} AND kind = 'page_event')
  AND
  (
      visitor_id IN (SELECT id FROM persons WHERE request = {request:String} AND kind = 'visitor')
      OR click_id IN (SELECT id FROM persons WHERE request = {request:String} AND kind = 'click')
  )
