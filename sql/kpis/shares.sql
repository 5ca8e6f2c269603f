-- Shares of the range, and which of the links they name were clicked.
--
-- sharers   whoever shared: the advocate, or the customer where no advocate is named
-- links     links that were shared in the range and whose window from their first share in it on is over at now_ms; open_links
--           those whose window is not
-- clicked   of the former those with a click that counts within the window, both ends included
-- ever      shares that were ever stored, of which none may stand twice
-- Parameters: workspace, all_traffic, and from_ms, to_ms, window_ms, now_ms as in clicks.sql.
WITH shared AS
(
    SELECT link_id, toUnixTimestamp64Milli(occurred_at) AS at
    FROM page_events FINAL
    WHERE workspace = {workspace:String}
      AND name = 'share'
      AND occurred_at >= fromUnixTimestamp64Milli({from_ms:Int64}, 'UTC')
      AND occurred_at < fromUnixTimestamp64Milli({to_ms:Int64}, 'UTC')
),
links AS
(
    SELECT link_id, min(at) AS shared_at, shared_at + {window_ms:Int64} > {now_ms:Int64} AS is_open
    FROM shared
    WHERE link_id != 0
    GROUP BY link_id
),
clicked AS
(
    SELECT link_id
    FROM clicks
    INNER JOIN links USING (link_id)
    WHERE workspace = {workspace:String}
      AND time >= fromUnixTimestamp64Milli({from_ms:Int64}, 'UTC')
      AND time < fromUnixTimestamp64Milli({to_ms:Int64} + {window_ms:Int64}, 'UTC')
      -- Which granules: as in sql/query/selected.sql.
      AND indexHint(toStartOfHour(time) >= toDateTime(greatest(intDiv({from_ms:Int64}, 1000) - 3600, 0), 'UTC')
          AND toStartOfHour(time) <= toDateTime(least(greatest(intDiv({to_ms:Int64} + {window_ms:Int64}, 1000), 0), 4294967295), 'UTC'))
      AND outcome = 'redirected'
      AND ({all_traffic:UInt8} = 1 OR verdict IN ('human', 'duplicate'))
      AND link_id IN (SELECT link_id FROM links)
      AND toUnixTimestamp64Milli(time) BETWEEN shared_at AND shared_at + {window_ms:Int64}
    GROUP BY link_id
)
SELECT
    assumeNotNull((SELECT count() FROM shared)) AS shares,
    assumeNotNull((SELECT count() FROM page_events WHERE workspace = {workspace:String} AND name = 'share')) AS ever,
    countIf(NOT is_open) AS links,
    countIf(is_open) AS open_links,
    countIf(NOT is_open AND link_id IN (SELECT link_id FROM clicked)) AS clicked_links
FROM links
