-- Each conversion of the workspace, with what was given back of it, under the name `recorded`. Stands behind whatever opened the
-- list of names.
--
-- refunded is what of a sale was given back: its refunds in its currency, or all of it where it was
-- cancelled; never more than it was worth. It counts where the sale counts, whenever it was given back.
-- Refunds and cancellations stand here too. is_matched tells of them whether they take
-- back a sale that is known; those that do are in its `refunded`.
-- FINAL: an event id counts once, by a server's first, else by the first that was accepted.
-- Parameters: workspace.
, recorded AS
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
        kind = 'cancellation' AND has_sale OR kind = 'refund' AND has_sale AND currency = sale_currency AS is_matched
    FROM
    (
        -- Windows and not a join with itself: one reading, and none for columns that nobody asks for.
        SELECT
            event_id, kind, name, occurred_at, amount_minor, currency, customer, click_id, visitor_id,
            countIf(kind = 'sale') OVER by_sale > 0 AS has_sale,
            anyIf(currency, kind = 'sale') OVER by_sale AS sale_currency,
            countIf(kind = 'cancellation') OVER by_sale > 0 AS is_cancelled,
            sumMapIf([toString(currency)], [-toInt128(amount_minor)], kind = 'refund') OVER by_sale AS given_back
        FROM conversions FINAL
        WHERE workspace = {workspace:String}
        WINDOW
            -- The sale and what takes it back.
            by_sale AS (PARTITION BY if(reference = '', event_id, reference))
    )
)
