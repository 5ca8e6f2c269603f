-- What the clicks of each hour are, in one number: whoever holds them in memory asks by it whether they are still the same (sql/held).
--
-- Of each click the hash of what is held, and of an hour the sum of these: in no order, and changed by whatever comes, goes, or is judged anew.
-- A projection for the reasons of 0012.
ALTER TABLE clicks
    ADD PROJECTION IF NOT EXISTS prints
    (
        SELECT
            workspace, toStartOfHour(time) AS hour, outcome, verdict,
            count(), sum(cityHash64(time, visitor_id, channel, source, link_id, country, device, browser))
        GROUP BY workspace, hour, outcome, verdict
    );
-- Of the parts that are there, once and at once.
ALTER TABLE clicks
    MATERIALIZE PROJECTION prints
    SETTINGS mutations_sync = 1;
