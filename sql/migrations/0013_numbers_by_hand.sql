-- Ingest writes refunds and conversion_numbers itself, behind conversions, instead of views.
--
-- A view's table is committed apart from the table that feeds it: killed between the two, ClickHouse has one without
-- the other, and drops the repeat that would bring it. Ingest writes the numbers last, and looks for them: what has its
-- number here is in the other two.
DROP VIEW IF EXISTS numbers_of_conversions;
DROP VIEW IF EXISTS refunds_of_conversions;
