-- Takes up the person's conversions: those of their customers; those of nobody by name that one of their visitors made or
-- one of their clicks led to; and what takes any of these back. What names another customer is another person's, even
-- where both use one browser.
-- Parameters: request, workspace.
INSERT INTO persons (request, workspace, kind, name)
WITH
    theirs AS
    (
        SELECT event_id
        FROM conversions
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
        UNION ALL
        SELECT name FROM persons WHERE request = {request:String} AND kind = 'event'
    )
SELECT DISTINCT {request:String}, {workspace:String}, 'event', event_id
FROM
(
    SELECT event_id FROM theirs
    UNION ALL
    SELECT event_id FROM conversions WHERE workspace = {workspace:String} AND reference != '' AND reference IN (SELECT event_id FROM theirs)
    UNION ALL
    SELECT event_id FROM refunds WHERE workspace = {workspace:String} AND reference IN (SELECT event_id FROM theirs)
)
WHERE event_id NOT IN (SELECT name FROM persons WHERE request = {request:String} AND kind = 'event')
