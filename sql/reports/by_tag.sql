-- Stands behind selected.sql where a click has as many keys as its link had tags, each once; one that had
-- none has the empty key. Under the name `keyed`, with the columns of by_column.sql.
, keyed AS
(
    SELECT *, grouped, place
    FROM (SELECT *, if(empty(tags), [''], CAST(tags, 'Array(String)')) AS keys_of_click FROM selected)
    ARRAY JOIN keys_of_click AS grouped, arrayEnumerate(keys_of_click) AS place
)
