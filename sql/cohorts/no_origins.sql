-- Stands for origins.sql where nobody came by a conversion.
, origins AS
(
    SELECT toUInt128(0) AS click_id, toInt64(0) AS clicked_at, '' AS value, toUInt8(0) AS passes
    WHERE 0
)
