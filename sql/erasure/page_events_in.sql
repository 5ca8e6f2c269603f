-- Writes a person's page events anew, with nobody's names: an event's id is in the table's key and cannot be changed.
--
-- What was done and when stays, and on which host; the path goes, which may hold a name. An id's stand-in is a keyed hash, so that
-- the event is known when it is sent again. An advocate who is the person is called as the person is from now on.
-- Twice is as good as once: the table keeps one row for an id and an hour.
-- Parameters: request, workspace.
INSERT INTO page_events (workspace, event_id, name, click_id, visitor_id, customer, page_host, page_path, link_id, advocate, shared_by, occurred_at, received_at, source, lane, seq)
WITH
    (SELECT (toUInt64(id), toUInt64(bitShiftRight(id, 64))) FROM persons WHERE request = {request:String} AND kind = 'salt') AS salt,
    stand_ins AS (SELECT DISTINCT id AS known_as, toUInt128(stand_in) AS new_id FROM persons WHERE request = {request:String} AND kind = 'page_event' AND stand_in != '')
SELECT
    workspace,
    own.new_id,
    name,
    if(click_id = 0, toUInt128(0), bitOr(
        bitShiftLeft(toUInt128(intDiv(toUInt64(bitShiftRight(click_id, 80)), 3600000) * 3600000), 80),
        bitShiftRight(reinterpretAsUInt128(sipHash128ReferenceKeyed(assumeNotNull(salt), click_id)), 48))),
    if(visitor_id = 0, toUInt128(0), reinterpretAsUInt128(sipHash128ReferenceKeyed(assumeNotNull(salt), visitor_id))),
    if(customer = '', '', concat('erased-', lower(hex(sipHash128ReferenceKeyed(assumeNotNull(salt), customer))))),
    page_host,
    '',
    link_id,
    if(advocate IN (SELECT name FROM persons WHERE request = {request:String} AND kind = 'customer'),
        concat('erased-', lower(hex(sipHash128ReferenceKeyed(assumeNotNull(salt), toString(advocate))))),
        toString(advocate)),
    shared_by,
    occurred_at,
    received_at,
    source,
    lane,
    seq
FROM
(
    SELECT *
    FROM page_events
    WHERE workspace = {workspace:String}
      AND (customer = '' OR customer IN (SELECT name FROM persons WHERE request = {request:String} AND kind = 'customer'))
) AS event
INNER JOIN stand_ins AS own ON own.known_as = event_id
