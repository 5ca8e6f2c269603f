-- Opens the list of names that the files behind it go on with.
WITH nothing AS (SELECT 1)
