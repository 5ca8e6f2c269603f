-- Stands for converted.sql where nothing of it is asked for.
, converted AS
(
    SELECT
        toUInt8(2) AS is_total, toInt64(0) AS bucket, '' AS key_1, '' AS key_2, '' AS key_3,
        toUInt64(0) AS leads, toUInt64(0) AS sales, toUInt64(0) AS converted_clicks,
        CAST([], 'Array(Int64)') AS waits,
        CAST(([], []), 'Tuple(Array(String), Array(Int128))') AS sold,
        CAST(([], []), 'Tuple(Array(String), Array(Int128))') AS refunded
    WHERE 0
)
