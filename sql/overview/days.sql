-- Clicks of whole days of UTC, under the name `days`, of which there is a rollup by link, and those of the hours before and behind them,
-- under the name `beside_days`. Stands behind hours.sql; what counts is the same.
-- Parameters:
--   first_day   second since 1970 at which the first day begins
--   behind_day  and the first that is not meant
, days AS
(
    SELECT *
    FROM clicks
    WHERE workspace = {workspace:String}
      AND toStartOfDay(time) >= toDateTime({first_day:Int64}, 'UTC')
      AND toStartOfDay(time) < toDateTime({behind_day:Int64}, 'UTC')
      AND outcome = 'redirected'
      AND ({all_traffic:UInt8} = 1 OR verdict IN ('human', 'duplicate'))
)
, beside_days AS
(
    SELECT *
    FROM hours
    WHERE toStartOfHour(time) < toDateTime({first_day:Int64}, 'UTC')
       OR toStartOfHour(time) >= toDateTime({behind_day:Int64}, 'UTC')
)
