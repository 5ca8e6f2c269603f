-- Whose events are whose: people, in the reports that follow them from event to event. Stands behind sql/carried/every.sql.
--
-- identified  event_id → identity, of every conversion, and `customer_of`, the customer whom it names, or 0
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
-- Funnels, of whom somebody waits, are told identities and owners, and put them together themselves (analytics/src/funnel/people.rs).
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
        event_id, occurred_at, visitor_id,
        if(customer != '', reinterpretAsUInt128(sipHash128('customer', customer)), 0) AS customer_of,
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
    SELECT identity, argMin(customer_of, (occurred_at, event_id)) AS owner
    FROM
    (
        SELECT
            event_id, occurred_at, customer_of,
            arrayJoin(arrayDistinct(arrayFilter(one -> one != 0, [visitor_id, by_click]))) AS identity
        FROM identified
        WHERE customer_of != 0
    )
    GROUP BY identity
),
converters AS
(
    SELECT
        event_id,
        multiIf(customer_of != 0, customer_of, owner != 0, owner, identity) AS person,
        customer_of != 0 OR owner != 0 AS is_customer
    FROM identified
    LEFT ANY JOIN owners USING (identity)
)
