-- Clicks of whole hours, under the name `hours`, for what asks of them no more than the projections of migration 0020 have: then ClickHouse
-- reads those, and the clicks themselves only of parts that have none. It chooses by itself, so what is asked is the same either way.
--
-- What counts as a click is told in sql/query/selected.sql, and must be the same.
-- Parameters:
--   workspace, all_traffic  as there
--   first_hour   second since 1970 at which the first hour begins
--   behind_hour  and the first that is not meant
WITH hours AS
(
    SELECT *
    FROM clicks
    WHERE workspace = {workspace:String}
      AND toStartOfHour(time) >= toDateTime({first_hour:Int64}, 'UTC')
      AND toStartOfHour(time) < toDateTime({behind_hour:Int64}, 'UTC')
      AND outcome = 'redirected'
      AND ({all_traffic:UInt8} = 1 OR verdict IN ('human', 'duplicate'))
)
