-- Stands behind selected.sql in every report that speaks of conversions: each conversion of the
-- workspace with the click it is owed to, under the name `attributed`.
--
-- owed_to is the id of that click, 0 where there is none:
--   1. the click whose id the conversion carries;
--   2. else, where it names a customer, the click of that customer's earliest conversion that carries
--      one (ties by event id), unless that is later than this conversion.
-- Whether the click is stored, counts and came first is asked where the two are joined.
-- refunded is what of a sale was given back: its refunds in its currency, or all of it where it was
-- cancelled; never more than it was worth. It counts where the sale counts, whenever it was given back.
-- Refunds and cancellations stand here too, owed to no click. is_matched tells of them whether they take
-- back a sale that is known; those that do are in its `refunded`.
-- FINAL: an event id counts once, by a server's first, else by the first that was accepted.
-- Parameters: workspace.
, attributed AS
(
    SELECT
        event_id,
        kind,
        name,
        occurred_at,
        amount_minor,
        currency,
        customer,
        click_id AS carried_click,
        visitor_id AS carried_visitor,
        toInt64(multiIf(
            kind != 'sale', 0,
            is_cancelled, amount_minor,
            least(given_back.2[indexOf(given_back.1, toString(currency))], toInt128(amount_minor)))) AS refunded,
        kind = 'cancellation' AND has_sale OR kind = 'refund' AND has_sale AND currency = sale_currency AS is_matched,
        multiIf(
            kind NOT IN ('lead', 'sale'), 0,
            click_id != 0, click_id,
            customer != '' AND since <= occurred_at, first_click,
            0) AS owed_to
    FROM
    (
        -- Windows and not joins with itself: one reading, and no join that the planner could take
        -- apart and multiply with the clicks before owed_to is known.
        SELECT
            event_id, kind, name, occurred_at, amount_minor, currency, customer, click_id, visitor_id,
            minIf(occurred_at, click_id != 0) OVER by_customer AS since,
            argMinIf(click_id, (occurred_at, event_id), click_id != 0) OVER by_customer AS first_click,
            countIf(kind = 'sale') OVER by_sale > 0 AS has_sale,
            anyIf(currency, kind = 'sale') OVER by_sale AS sale_currency,
            countIf(kind = 'cancellation') OVER by_sale > 0 AS is_cancelled,
            sumMapIf([toString(currency)], [-toInt128(amount_minor)], kind = 'refund') OVER by_sale AS given_back
        FROM conversions FINAL
        WHERE workspace = {workspace:String}
        WINDOW
            by_customer AS (PARTITION BY customer),
            -- The sale and what takes it back.
            by_sale AS (PARTITION BY if(reference = '', event_id, reference))
    )
)
