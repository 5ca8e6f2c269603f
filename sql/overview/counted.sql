-- Clicks of all together (part 0), by interval (1) and by each breakdown (2 and on). Stands behind keyed.sql, or hours.sql.
--
-- groups  how many values the part has
-- CELLS are cells.sql, or those of rolled_series.sql and rolled.sql: part, bucket, key and clicks.
-- Parameters:
--   limit  of each breakdown the values with the most clicks; what is equal comes by its value
--   only_keys, keys  1 for these values (part and value) instead
SELECT part, bucket, key, groups, clicks
FROM
(
    SELECT
        part, bucket, key, clicks,
        count() OVER (PARTITION BY part) AS groups,
        row_number() OVER (PARTITION BY part ORDER BY clicks DESC, key) AS place
    FROM
    (
        CELLS
    )
)
WHERE part < 2
   OR {only_keys:UInt8} = 0 AND place <= {limit:UInt64}
   OR {only_keys:UInt8} = 1 AND (part, key) IN {keys:Array(Tuple(UInt8, String))}
ORDER BY part, bucket, place
