-- Clicks by the hour move into the parts of clicks.
--
-- A table that a view feeds is committed apart from the clicks: killed between the two, ClickHouse has one without the
-- other, and no repeat brings it. A projection lies in the same part as its rows, so it is there when they are and says
-- what they say. What changes rows afterwards changes it too: merges, mutations, TTLs; and lightweight deletes, which
-- ClickHouse refuses on a table with projections unless it is told what becomes of them.
DROP VIEW IF EXISTS click_hours_of_clicks;
DROP TABLE IF EXISTS click_hours;
ALTER TABLE clicks MODIFY SETTING lightweight_mutation_projection_mode = 'rebuild';
ALTER TABLE clicks ADD PROJECTION IF NOT EXISTS click_hours
(
    SELECT workspace, toStartOfHour(time) AS hour, link_id, outcome, verdict, channel, country, count() AS clicks
    GROUP BY workspace, hour, link_id, outcome, verdict, channel, country
);
-- Of the parts that are there, once and at once.
ALTER TABLE clicks MATERIALIZE PROJECTION click_hours SETTINGS mutations_sync = 1;
