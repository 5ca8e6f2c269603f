-- Visitors by one word.
(word_NUMBER),
