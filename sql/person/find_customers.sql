-- Takes up the customers that a person's visitors and clicks have become.
-- Parameters: request, workspace.
INSERT INTO persons (request, workspace, kind, name)
SELECT DISTINCT {request:String}, {workspace:String}, 'customer', customer
FROM
(
    SELECT workspace, customer, visitor_id, click_id FROM conversions
    UNION ALL
    SELECT workspace, customer, visitor_id, click_id FROM page_events
)
WHERE workspace = {workspace:String}
  AND customer != ''
  AND
  (
      visitor_id IN (SELECT id FROM persons WHERE request = {request:String} AND kind = 'visitor')
      OR click_id IN (SELECT id FROM persons WHERE request = {request:String} AND kind = 'click')
  )
  AND customer NOT IN (SELECT name FROM persons WHERE request = {request:String} AND kind = 'customer')
