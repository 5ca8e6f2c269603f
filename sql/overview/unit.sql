-- A unit: 16 bits of a word.
toUInt16(bitAnd(bitShiftRight(word_WORD, SHIFT), 65535)) AS unit_NUMBER,
