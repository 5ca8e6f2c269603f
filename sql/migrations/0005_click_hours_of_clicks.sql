-- Feeds click_hours from every insert into clicks.
CREATE MATERIALIZED VIEW IF NOT EXISTS click_hours_of_clicks TO click_hours AS
SELECT workspace, toDateTime(toStartOfHour(time), 'UTC') AS hour, link_id, outcome, verdict, channel, country, count() AS clicks
FROM clicks
GROUP BY workspace, hour, link_id, outcome, verdict, channel, country;
