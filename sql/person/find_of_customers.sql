-- Takes up the clicks and visitors that conversions and page events of the person's customers name.
-- Parameters: request, workspace.
INSERT INTO persons (request, workspace, kind, id)
SELECT DISTINCT {request:String}, {workspace:String}, found.1 AS kind, found.2 AS id
FROM
(
    SELECT arrayJoin([('click', click_id), ('visitor', visitor_id)]) AS found
    FROM conversions
    WHERE workspace = {workspace:String}
      AND customer IN (SELECT name FROM persons WHERE request = {request:String} AND kind = 'customer')
    UNION ALL
    SELECT arrayJoin([('click', click_id), ('visitor', visitor_id)]) AS found
    FROM page_events
    WHERE workspace = {workspace:String}
      AND customer IN (SELECT name FROM persons WHERE request = {request:String} AND kind = 'customer')
)
WHERE id != 0
  AND (kind, id) NOT IN (SELECT toString(kind), id FROM persons WHERE request = {request:String})
