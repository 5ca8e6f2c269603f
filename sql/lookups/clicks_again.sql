-- Clicks of a range in time's order: what they are judged by, what was found, and whether a browser has shown their
-- landing page. {against:UInt16}: the marks of a confirmation that speak against a person. A click's id begins with its
-- time, so that its confirmation is found in the hours around the range.
WITH
    fromUnixTimestamp64Milli({from:Int64}, 'UTC') AS begin,
    fromUnixTimestamp64Milli({to:Int64}, 'UTC') AS end
SELECT
    workspace, toUnixTimestamp64Milli(time) AS time, click_id, toInt8(outcome) AS outcome, toInt8(method) AS method,
    link_id, domain, slug, query, visitor_id, new_visitor, toInt8(privacy) AS privacy, address_prefix, user_agent,
    hints, purpose, language, referrer,
    lane, seq, signs, asn, campaign, link_channel,
    toInt8(agent_class) AS agent_class, referrer_host, utm_source != '' OR utm_medium != '' OR utm_campaign != '' AS tagged,
    browser, browser_version, os, os_version, device, model, app, channel, source, toInt8(verdict) AS verdict, reasons,
    rules,
    (workspace, click_id) IN (
        SELECT workspace, click_id
        FROM confirmations
        WHERE clicked_at >= begin - INTERVAL 1 HOUR AND clicked_at < end + INTERVAL 1 HOUR
            AND ({workspace:String} = '' OR workspace = {workspace:String})
        GROUP BY workspace, click_id
        HAVING bitAnd(argMin(marks, confirmed_at), {against:UInt16}) = 0
    ) AS confirmed
FROM clicks
WHERE clicks.time >= begin AND clicks.time < end
    AND toStartOfHour(clicks.time) >= toStartOfHour(begin) AND toStartOfHour(clicks.time) <= toStartOfHour(end)
    AND ({workspace:String} = '' OR workspace = {workspace:String})
ORDER BY clicks.time, lane, seq
