-- All clicks of the person behind one conversion, with the reason why one was no touch; up to a month behind the conversion.
-- Stands behind people.sql, and that behind sql/reports/recorded.sql, which knows what each sale is worth.
-- Parameters: workspace, event, look_back_ms, all_traffic as in visited.sql, and
--   first_ms  how far back clicks are told, milliseconds since 1970
--   most      how many clicks, the latest of them
, asked AS
(
    SELECT
        event_id, kind, toUnixTimestamp64Milli(occurred_at) AS occurred_ms, currency, refunded, person,
        if(kind = 'sale', amount_minor, 0) AS worth
    FROM recorded
    INNER JOIN events USING (event_id)
    WHERE event_id = {event:String}
),
theirs AS
(
    SELECT
        toUnixTimestamp64Milli(time) AS at, click_id, toString(outcome) AS outcome_of_click, toString(verdict) AS verdict_of_click,
        toString(channel) AS by_channel, toString(source) AS by_source, toString(campaign) AS by_campaign, link_id, advocate
    FROM clicks
    WHERE workspace = {workspace:String}
      AND time >= fromUnixTimestamp64Milli({first_ms:Int64}, 'UTC')
      AND time <= fromUnixTimestamp64Milli((SELECT max(occurred_ms) FROM asked) + 2592000000, 'UTC')
      AND
      (
          visitor_id IN (SELECT visitor FROM known WHERE person IN (SELECT person FROM asked))
          OR click_id IN (SELECT click_id FROM events WHERE click_id != 0 AND person IN (SELECT person FROM asked))
      )
    ORDER BY at DESC, click_id DESC
    LIMIT {most:UInt64}
)
SELECT
    toString(kind) AS kind_of_conversion, occurred_ms, toString(currency) AS currency_of_conversion, worth, refunded,
    at, click_id, by_channel, by_source, by_campaign, link_id, advocate, verdict_of_click,
    multiIf(
        click_id = 0, 'none',
        outcome_of_click != 'redirected', 'not_redirected',
        {all_traffic:UInt8} = 0 AND verdict_of_click NOT IN ('human', 'duplicate'), 'not_human',
        at > occurred_ms, 'after_conversion',
        occurred_ms - at > {look_back_ms:Int64}, 'before_look_back',
        '') AS left_out
FROM asked
LEFT JOIN theirs ON 1 = 1
ORDER BY at, click_id
