-- What confirmed a person's clicks goes: the clicks have been judged, and are not judged again.
-- Parameters: request, workspace.
ALTER TABLE confirmations DELETE
WHERE workspace = {workspace:String}
  AND click_id IN (SELECT id FROM persons WHERE request = {request:String} AND kind = 'click')
