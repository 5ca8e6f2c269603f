-- Stands behind selected.sql in every report that speaks of conversions: each conversion of the
-- workspace with the click it is owed to, under the name `attributed`.
--
-- owed_to is the id of that click, 0 where there is none:
--   1. the click whose id the conversion carries;
--   2. else, where it names a customer, the click of that customer's earliest conversion that carries
--      one (ties by event id), unless that is later than this conversion.
-- Whether the click is stored, counts and came first is asked where the two are joined.
-- FINAL: an event id counts once, by a server's first, else by the first that was accepted.
-- Parameters: workspace.
, attributed AS
(
    SELECT
        event_id,
        kind,
        occurred_at,
        amount_minor,
        currency,
        multiIf(
            click_id != 0, click_id,
            customer != '' AND since <= occurred_at, first_click,
            0) AS owed_to
    FROM
    (
        -- A window and not a join with itself: one reading, and no join that the planner could take
        -- apart and multiply with the clicks before owed_to is known.
        SELECT
            event_id, kind, occurred_at, amount_minor, currency, customer, click_id,
            minIf(occurred_at, click_id != 0) OVER by_customer AS since,
            argMinIf(click_id, (occurred_at, event_id), click_id != 0) OVER by_customer AS first_click
        FROM conversions FINAL
        WHERE workspace = {workspace:String}
        WINDOW by_customer AS (PARTITION BY customer)
    )
)
