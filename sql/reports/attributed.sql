-- Each conversion of the workspace with the click it is owed to, under the name `attributed`. Stands behind recorded.sql in
-- every report that gives conversions to clicks.
--
-- owed_to is the id of that click, 0 where there is none:
--   1. the click whose id the conversion carries;
--   2. else, where it names a customer, the click of that customer's earliest conversion that carries
--      one (ties by event id), unless that is later than this conversion.
-- Whether the click is stored, counts and came first is asked where the two are joined.
-- Refunds and cancellations stand here too, owed to no click.
-- Parameters: workspace.
, first_clicks AS
(
    SELECT customer, min(occurred_at) AS since, argMin(click_id, (occurred_at, event_id)) AS first_click
    FROM conversions FINAL
    WHERE workspace = {workspace:String}
      AND customer != ''
      AND click_id != 0
      -- Only of those of whom it is asked.
      AND customer IN
      (
          SELECT customer
          FROM conversions
          WHERE workspace = {workspace:String} AND customer != '' AND click_id = 0 AND kind IN ('lead', 'sale')
      )
    GROUP BY customer
),
attributed AS
(
    SELECT
        * EXCEPT (since, first_click),
        multiIf(
            kind NOT IN ('lead', 'sale'), 0,
            carried_click != 0, carried_click,
            customer != '' AND since <= occurred_at, first_click,
            0) AS owed_to
    FROM recorded
    LEFT ANY JOIN first_clicks USING (customer)
)
