-- The clicks that the workspace's conversions carry, whenever they were, under the name `every_carried`: their copies, and from
-- the clicks themselves those that are not copied yet, came late or never. Stands behind whatever opened the list of names.
--
-- carriers  of each its id and its visitor alone, which is less to read; one that was copied twice may be there twice
-- A statement that uses it needs enable_shared_storage_snapshot_in_query: a click that is copied meanwhile would be in both, or
-- in neither. A conversion that comes while the statement begins is one whose click is not known yet.
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
not_copied_clicks AS
(
    SELECT *, in_hour
    FROM clicks
    -- Where all are copied, as nearly always, nothing is looked for.
    WHERE (SELECT count() FROM not_copied) != 0
    -- A click's id begins with its time: the hour leads to its row by the table's key, and need not be looked at again there.
      AND workspace = {workspace:String}
      AND indexHint(toStartOfHour(time) IN (SELECT toStartOfHour(fromUnixTimestamp64Milli(toInt64(bitShiftRight(click_id, 80)), 'UTC')) FROM not_copied))
      AND click_id IN (SELECT click_id FROM not_copied)
),
every_carried AS
(
    SELECT *, toStartOfHour(time) AS in_hour
    FROM carried_clicks FINAL
    WHERE workspace = {workspace:String}
    UNION ALL
    SELECT * FROM not_copied_clicks
),
carriers AS
(
    SELECT click_id, visitor_id
    FROM carried_clicks
    WHERE workspace = {workspace:String}
    UNION ALL
    SELECT click_id, visitor_id FROM not_copied_clicks
)
