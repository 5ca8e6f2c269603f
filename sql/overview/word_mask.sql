-- The word of a row.
word = NUMBER, word_NUMBER,
