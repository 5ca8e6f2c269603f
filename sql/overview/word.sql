-- A word: the bits of its fields, which do not overlap.
groupBitOr(FIELDS) AS word_NUMBER,
