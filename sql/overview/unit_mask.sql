-- The bits of a row.
unit = NUMBER, unit_NUMBER,
