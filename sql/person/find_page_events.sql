-- Takes up the person's page events: those of their customers, and those of nobody by name that one of their visitors made or
-- one of their clicks led to. What names another customer is another person's, even where both use one browser.
-- Parameters: request, workspace.
INSERT INTO persons (request, workspace, kind, id)
SELECT DISTINCT {request:String}, {workspace:String}, 'page_event', event_id
FROM page_events
WHERE workspace = {workspace:String}
  AND
  (
      customer IN (SELECT name FROM persons WHERE request = {request:String} AND kind = 'customer')
      OR
      (
          customer = ''
          AND
          (
              visitor_id IN (SELECT id FROM persons WHERE request = {request:String} AND kind = 'visitor')
              OR click_id IN (SELECT id FROM persons WHERE request = {request:String} AND kind = 'click')
          )
      )
  )
  AND event_id NOT IN (SELECT id FROM persons WHERE request = {request:String} AND kind = 'page_event')
