-- Page events of other customers that a person's browser has made, or a click of theirs led to, follow the ids that these
-- have now.
-- Parameters: request, workspace.
ALTER TABLE page_events UPDATE
    visitor_id = if(visitor_id IN (SELECT id FROM persons WHERE request = {request:String} AND kind = 'visitor'),
        reinterpretAsUInt128(sipHash128ReferenceKeyed(
            (SELECT (toUInt64(id), toUInt64(bitShiftRight(id, 64))) FROM persons WHERE request = {request:String} AND kind = 'salt'),
            visitor_id)),
        visitor_id),
    click_id = if(click_id IN (SELECT id FROM persons WHERE request = {request:String} AND kind = 'click'),
        bitOr(
            bitShiftLeft(toUInt128(intDiv(toUInt64(bitShiftRight(click_id, 80)), 3600000) * 3600000), 80),
            bitShiftRight(reinterpretAsUInt128(sipHash128ReferenceKeyed(
                (SELECT (toUInt64(id), toUInt64(bitShiftRight(id, 64))) FROM persons WHERE request = {request:String} AND kind = 'salt'),
                click_id)), 48)),
        click_id)
WHERE workspace = {workspace:String}
  AND
  (
      visitor_id IN (SELECT id FROM persons WHERE request = {request:String} AND kind = 'visitor')
      OR click_id IN (SELECT id FROM persons WHERE request = {request:String} AND kind = 'click')
  )
