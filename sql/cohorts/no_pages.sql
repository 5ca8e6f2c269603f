-- Stands for sql/people/pages.sql where no page event makes anybody active.
, pages AS
(
    SELECT toUInt128(0) AS person, fromUnixTimestamp64Milli(toInt64(0), 'UTC') AS occurred_at
    WHERE 0
)
