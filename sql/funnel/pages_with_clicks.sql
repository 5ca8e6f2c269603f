-- The clicks that page events carry. Stands in pages.sql.
LEFT ANY JOIN selected ON by_click_id = click_id
