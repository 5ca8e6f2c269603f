-- Stands behind the clicks where they are told apart by the reasons of their verdict: as by_tag.sql.
, reasoned AS
(
    SELECT *, reason, reason_place
    FROM (SELECT *, if(empty(reasons), [''], CAST(reasons, 'Array(String)')) AS reasons_of_click FROM CLICKS)
    ARRAY JOIN reasons_of_click AS reason, arrayEnumerate(reasons_of_click) AS reason_place
)
