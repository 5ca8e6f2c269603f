-- Clicks of all together (part 0), by interval (1) and by each breakdown (2 and on), out of one reading. Stands behind keyed.sql.
--
-- groups  how many values the part has
-- PARTS, KEYS and EACH have a line for each breakdown.
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
        SELECT
            toUInt8(multiIf(grouping(bucket_of_click) = 0, 1, PARTS 0)) AS part,
            if(part = 1, bucket_of_click, 0) AS bucket,
            multiIf(KEYS part = 0, '', '') AS key,
            count() AS clicks
        FROM keyed
        GROUP BY GROUPING SETS ((bucket_of_click), EACH ())
    )
)
WHERE part < 2
   OR {only_keys:UInt8} = 0 AND place <= {limit:UInt64}
   OR {only_keys:UInt8} = 1 AND (part, key) IN {keys:Array(Tuple(UInt8, String))}
ORDER BY part, bucket, place
