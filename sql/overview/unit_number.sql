-- Which unit a row belongs to.
grouping(unit_NUMBER) = 0, NUMBER,
