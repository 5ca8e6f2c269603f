-- Made-up page views of the clicks that are there: one click of people in twelve, and some of them look at prices too.
-- Parameters: workspace.
INSERT INTO page_events
(
    workspace, event_id, name, click_id, visitor_id, page_host, page_path, occurred_at, received_at, source, lane, seq
)
WITH
    seen AS
    (
        SELECT workspace, click_id, visitor_id, toUnixTimestamp64Milli(time) AS clicked_ms, sipHash64(click_id, 'looks') AS dice,
            arrayJoin(if(dice % 36 = 0, ['/', '/pricing'], ['/'])) AS path
        FROM clicks
        WHERE workspace = {workspace:String} AND outcome = 'redirected' AND verdict IN ('human', 'duplicate') AND dice % 12 = 0
    )
SELECT
    workspace,
    reinterpretAsUInt128(sipHash128(click_id, path)) AS event_id,
    'page' AS name,
    click_id,
    visitor_id,
    'shop.example' AS page_host,
    path AS page_path,
    fromUnixTimestamp64Milli(clicked_ms + if(path = '/', 900, 45000 + toInt64(intDiv(dice, 64) % 60000)), 'UTC') AS occurred_at,
    occurred_at AS received_at,
    toInt8(1) AS source,
    31 AS lane,
    rowNumberInAllBlocks() + 1 AS seq
FROM seen
