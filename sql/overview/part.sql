-- Which breakdown a row belongs to.
grouping(value_NUMBER) = 0, PART,
