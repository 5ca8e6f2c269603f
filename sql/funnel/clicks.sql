-- The clicks that a step or an exclusion asks for. Stands behind sql/query/selected.sql and sql/people/persons.sql.
--
-- masked   these clicks; `steps` and `excluded` have the bits of the steps that a click can serve, and of the exclusions that
--          it is one of. STEPS and EXCLUDED are their sums.
-- watched  the marks of people whose events must be looked at one by one, and perhaps of more: whom a conversion or a
--          page event may lead further, who may be the same person as another identity, and who has clicked more than once
--          where clicks lead further. Everybody else has done what can be told of the first click.
--          A mark are the lower 32 bits of an identity, which are looked up in half the time: whoever has the same by chance is
--          looked at as well, and nowhere counted twice.
--          WATCHED_PAGES and WATCHED_CLICKS are watched_pages.sql and watched_clicks.sql, or nothing.
-- Parameters: those of selected.sql; to_ms is where the last window ends.
, masked AS
(
    SELECT
        *,
        if(visitor_id != 0, visitor_id, click_id) AS identity,
        toUInt16(STEPS) AS steps,
        toUInt16(EXCLUDED) AS excluded
    FROM selected
    WHERE steps != 0 OR excluded != 0
),
watched AS
(
    SELECT DISTINCT arrayJoin([toUInt32(identity), toUInt32(visitor_id), toUInt32(by_click)]) AS mark
    FROM identified
    WHERE customer != ''
       OR (occurred_at >= fromUnixTimestamp64Milli({from_ms:Int64}, 'UTC') AND occurred_at < fromUnixTimestamp64Milli({to_ms:Int64}, 'UTC'))
    WATCHED_PAGES
    WATCHED_CLICKS
)
