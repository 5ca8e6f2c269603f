-- The clicks that the workspace's conversions carry, whenever they were, under the name `every_carried`: their copies, and from
-- the clicks themselves those that are not copied yet, came late or never. Stands behind whatever opened the list of names.
--
-- A statement that uses it needs enable_shared_storage_snapshot_in_query: a click that is copied meanwhile would be in both, or
-- in neither.
-- Parameters: workspace.
, not_copied AS
(
    SELECT click_id
    FROM conversions
    WHERE workspace = {workspace:String}
      AND click_id != 0
      AND click_id NOT IN (SELECT click_id FROM carried_clicks WHERE workspace = {workspace:String})
    -- As a condition of the reading itself it took five times as long.
    SETTINGS optimize_move_to_prewhere = 0
),
every_carried AS
(
    SELECT *
    FROM carried_clicks FINAL
    WHERE workspace = {workspace:String}
    UNION ALL
    SELECT *
    FROM clicks
    -- A click's id begins with its time: the hour leads to its row by the table's key, and need not be looked at again there.
    WHERE workspace = {workspace:String}
      AND indexHint(toStartOfHour(time) IN (SELECT toStartOfHour(fromUnixTimestamp64Milli(toInt64(bitShiftRight(click_id, 80)), 'UTC')) FROM not_copied))
      AND click_id IN (SELECT click_id FROM not_copied)
)
