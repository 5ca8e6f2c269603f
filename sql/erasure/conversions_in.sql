-- Writes a person's conversions anew, with nobody's names: an event's name is in the table's key and cannot be changed.
--
-- An event's stand-in is a keyed hash, so that the event is known when it is sent again. What it was worth and when it
-- happened stays. A body_digest of 0 says that nobody knows any more what was said.
-- Twice is as good as once: the table keeps one row for a name.
-- Parameters: request, workspace.
INSERT INTO conversions (workspace, event_id, kind, name, click_id, visitor_id, customer, amount_minor, currency, occurred_at, received_at, source, body_digest, reference, lane, seq)
WITH
    (SELECT (toUInt64(id), toUInt64(bitShiftRight(id, 64))) FROM persons WHERE request = {request:String} AND kind = 'salt') AS salt,
    stand_ins AS (SELECT DISTINCT name AS known_as, stand_in FROM persons WHERE request = {request:String} AND kind = 'stand_in')
SELECT
    workspace,
    own.stand_in,
    kind,
    name,
    if(click_id = 0, toUInt128(0), bitOr(
        bitShiftLeft(toUInt128(intDiv(toUInt64(bitShiftRight(click_id, 80)), 3600000) * 3600000), 80),
        bitShiftRight(reinterpretAsUInt128(sipHash128ReferenceKeyed(assumeNotNull(salt), click_id)), 48))),
    if(visitor_id = 0, toUInt128(0), reinterpretAsUInt128(sipHash128ReferenceKeyed(assumeNotNull(salt), visitor_id))),
    if(customer = '', '', concat('erased-', lower(hex(sipHash128ReferenceKeyed(assumeNotNull(salt), customer))))),
    amount_minor,
    currency,
    occurred_at,
    received_at,
    source,
    0,
    if(sale.stand_in = '', reference, sale.stand_in),
    lane,
    seq
FROM (SELECT * FROM conversions WHERE workspace = {workspace:String}) AS conversion
INNER JOIN stand_ins AS own ON own.known_as = event_id
LEFT JOIN stand_ins AS sale ON sale.known_as = reference
