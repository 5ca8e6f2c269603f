-- Takes away a person's page events, which stand there anew without their names (page_events_in.sql).
-- Parameters: request, workspace.
ALTER TABLE page_events DELETE
WHERE workspace = {workspace:String}
  AND event_id IN (SELECT id FROM persons WHERE request = {request:String} AND kind = 'page_event' AND stand_in != '')
  AND (customer = '' OR customer IN (SELECT name FROM persons WHERE request = {request:String} AND kind = 'customer'))
