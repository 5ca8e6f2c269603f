-- Feeds conversion_numbers from every insert into conversions.
CREATE MATERIALIZED VIEW IF NOT EXISTS numbers_of_conversions TO conversion_numbers AS
SELECT workspace, event_id, lane, seq, received_at FROM conversions;
