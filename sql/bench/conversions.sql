-- Made-up conversions of the clicks that are there: one click of people in some 130 leads to a lead, a sale, or both, and some of
-- them to another sale of the same customer, which carries no click. A twentieth of the sales is given back, a hundredth cancelled.
-- All follow from the click's id: the same again each time.
-- Parameters: workspace; to_ms, milliseconds since 1970, behind which nothing has happened yet.
INSERT INTO conversions
(
    workspace, event_id, kind, name, click_id, visitor_id, customer, amount_minor, currency, occurred_at, received_at, source,
    body_digest, reference, lane, seq
)
WITH
    converted AS
    (
        SELECT
            workspace, click_id, visitor_id, toUnixTimestamp64Milli(time) AS clicked_ms, sipHash64(click_id, 'converts') AS drawn, intDiv(drawn, 130) AS dice,
            -- A visitor's conversions are one customer's.
            concat('customer-', lower(hex(if(visitor_id = 0, dice, toUInt64(bitShiftRight(visitor_id, 64)))))) AS customer
        FROM clicks
        WHERE workspace = {workspace:String} AND outcome = 'redirected' AND verdict IN ('human', 'duplicate') AND drawn % 130 = 0
    ),
    happened AS
    (
        SELECT
            *,
            -- What, how long after the click, and whether it carries the click.
            arrayJoin(arrayFilter(event -> event.1 != '',
            [
                (if(dice % 10 < 7, 'lead', ''), toInt64(60000 + intDiv(dice, 16) % 7200000), true),
                (if(dice % 10 > 3, 'sale', ''), toInt64(3600000 + intDiv(dice, 32) % 864000000), intDiv(dice, 64) % 4 != 0),
                (if(dice % 10 > 7, 'again', ''), toInt64(864000000 + intDiv(dice, 128) % 2592000000), false),
                (if(dice % 200 = 4, 'refund', ''), toInt64(1728000000), false),
                (if(dice % 1000 = 5, 'cancellation', ''), toInt64(1728000000), false)
            ])) AS event,
            event.1 AS what,
            clicked_ms + event.2 AS at,
            toInt64(500 + intDiv(dice, 1024) % 20000) AS price
        FROM converted
    )
SELECT
    workspace,
    concat(what, '-', lower(hex(dice))) AS event_id,
    toInt8(multiIf(what = 'lead', 1, what IN ('sale', 'again'), 2, what = 'refund', 3, 4)) AS kind,
    multiIf(what = 'lead', 'sign_up', what IN ('sale', 'again'), 'purchase', what) AS name,
    if(event.3, click_id, toUInt128(0)) AS click_id,
    if(event.3, visitor_id, toUInt128(0)) AS visitor_id,
    if(what IN ('refund', 'cancellation'), '', customer) AS customer,
    multiIf(what IN ('sale', 'again'), price, what = 'refund', -intDiv(price, 2), 0) AS amount_minor,
    if(what IN ('sale', 'again', 'refund'), if(dice % 9 = 0, 'USD', 'EUR'), '') AS currency,
    fromUnixTimestamp64Milli(at, 'UTC') AS occurred_at,
    fromUnixTimestamp64Milli(at + 400, 'UTC') AS received_at,
    toInt8(3) AS source,
    reinterpretAsUInt128(sipHash128(event_id)) AS body_digest,
    if(what IN ('refund', 'cancellation'), concat('sale-', lower(hex(dice))), '') AS reference,
    21 AS lane,
    rowNumberInAllBlocks() + 1 AS seq
FROM happened
WHERE at < {to_ms:Int64}
