-- Which word a row belongs to.
grouping(word_NUMBER) = 0, NUMBER,
