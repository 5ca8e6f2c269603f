-- Whose events are whose: people, in the reports that follow them from event to event. Stands behind sql/carried/every.sql.
--
-- owners      identity → person, of the identities that are known to be a customer's
-- converters  event_id → person, of every conversion, and whether that is a customer
--
-- An identity is a visitor, or a click alone where its visitor is not known. A person is the customer where one is known, else
-- the identity:
--   1. An event that names a customer is the customer's.
--   2. Else the event is its identity's: the visitor that it carries; without one, the visitor of the click that it carries, or
--      that click alone; without either, nobody's but its own.
--   3. An identity is the customer's whom the earliest conversion (ties by event id) names that carries the identity, itself or
--      by its click, and names a customer: at all times, before it too. So two who share a visitor are told apart only
--      where they give their names.
-- So of clicks, and whatever else has an identity:
--   if(owner != 0, owner, identity) AS person … LEFT ANY JOIN owners USING (identity)
--   where identity is if(visitor_id != 0, visitor_id, click_id)
-- Ids are random, and customers become numbers by SipHash-128, which is also how ClickHouse counts distinct texts exactly: so a
-- person is a number that counts fast.
-- Parameters: workspace.
, named AS
(
    SELECT event_id, occurred_at, customer, click_id, visitor_id
    FROM conversions FINAL
    WHERE workspace = {workspace:String}
),
carried AS
(
    SELECT click_id, if(visitor_id != 0, visitor_id, click_id) AS clicker
    FROM carriers
),
identified AS
(
    SELECT
        event_id, occurred_at, customer, visitor_id,
        if(clicker != 0, clicker, click_id) AS by_click,
        multiIf(
            visitor_id != 0, visitor_id,
            by_click != 0, by_click,
            reinterpretAsUInt128(sipHash128('event', event_id))) AS identity
    FROM named
    LEFT ANY JOIN carried USING (click_id)
),
owners AS
(
    SELECT identity, reinterpretAsUInt128(sipHash128('customer', argMin(customer, (occurred_at, event_id)))) AS owner
    FROM
    (
        SELECT
            event_id, occurred_at, customer,
            arrayJoin(arrayDistinct(arrayFilter(one -> one != 0, [visitor_id, by_click]))) AS identity
        FROM identified
        WHERE customer != ''
    )
    GROUP BY identity
),
converters AS
(
    SELECT
        event_id,
        multiIf(
            customer != '', reinterpretAsUInt128(sipHash128('customer', customer)),
            owner != 0, owner,
            identity) AS person,
        customer != '' OR owner != 0 AS is_customer
    FROM identified
    LEFT ANY JOIN owners USING (identity)
)
