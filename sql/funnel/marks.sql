-- Whose clicks are looked at one by one: `watched`. Stands behind masked.sql and sql/carried/every.sql.
--
-- People, and perhaps more of them: whom a conversion or a page event may lead further, who may be the same person as another
-- identity, and who has clicked more than once where clicks lead further. Everybody else has done what can be told of the first
-- click.
-- mark  the lower 32 bits of an identity, which are looked up in half the time: whoever has the same by chance is looked at as
--       well, and nowhere counted twice
-- WATCHED_PAGES and WATCHED_CLICKS are watched_pages.sql and watched_clicks.sql, or nothing.
-- Parameters: those of masked.sql.
, watched AS
(
    SELECT arrayJoin([toUInt32(visitor_id), toUInt32(click_id)]) AS mark
    FROM conversions
    WHERE workspace = {workspace:String}
      AND
      (
          customer != ''
          OR occurred_at >= fromUnixTimestamp64Milli({from_ms:Int64}, 'UTC') AND occurred_at < fromUnixTimestamp64Milli({to_ms:Int64}, 'UTC')
      )
    UNION ALL
    SELECT toUInt32(visitor_id) AS mark FROM carriers
    WATCHED_PAGES
    WATCHED_CLICKS
)
