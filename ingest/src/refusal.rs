//! Which of ClickHouse's answers to an insert mean that it will never take this block, however often it is sent.
//!
//! Only what lies in the values themselves is for good. Everything else passes, or is mended by somebody: ClickHouse
//! away, out of memory or disk, too many parts, read-only, settings, rights, tables and columns that a migration will
//! bring. Taking such a thing for final would set every block aside; the other mistake holds up one lane, and says why.

use clickhouse::error::Error;
use whence_core::click::bounded;

/// How much of ClickHouse's text is passed on: an exception tells the values of the row at fault.
const LONGEST_TEXT: usize = 1_000;

/// Exceptions that are final, by their numbers in ClickHouse's `ErrorCodes.cpp`; some only where the text says more.
const FINAL: &[(u32, &str)] = &[
    // A value that the format's reader cannot take for its column's type.
    (6, ""),   // CANNOT_PARSE_TEXT
    (26, ""),  // CANNOT_PARSE_QUOTED_STRING
    (27, ""),  // CANNOT_PARSE_INPUT_ASSERTION_FAILED
    (38, ""),  // CANNOT_PARSE_DATE
    (41, ""),  // CANNOT_PARSE_DATETIME
    (70, ""),  // CANNOT_CONVERT_TYPE
    (72, ""),  // CANNOT_PARSE_NUMBER
    (117, ""), // INCORRECT_DATA
    (349, ""), // CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN
    (691, ""), // UNKNOWN_ELEMENT_OF_ENUM
    // A value beyond its type or a bound.
    (69, ""),  // ARGUMENT_OUT_OF_BOUND
    (128, ""), // TOO_LARGE_ARRAY_SIZE
    (131, ""), // TOO_LARGE_STRING_SIZE
    (321, ""), // VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE
    (407, ""), // DECIMAL_OVERFLOW
    // TOO_MANY_PARTS passes when parts are merged, but not where one block alone has too many months.
    (252, "single INSERT block"),
    (469, ""), // VIOLATED_CONSTRAINT
];

/// ClickHouse's word that a block is not to be had.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// Its text, cut.
    pub(crate) text: String,
    /// Which row of the insert is at fault, counted from 1, where it says.
    pub(crate) row: Option<usize>,
}

impl Refusal {
    /// What `error` refuses for good; nothing where the same block may be taken later.
    pub(crate) fn of(error: &Error) -> Option<Self> {
        let Error::BadResponse(text) = error else {
            return None;
        };
        let code = number_after(text, "Code: ")?;
        let is_final = FINAL
            .iter()
            .any(|&(known, needle)| code == known as usize && text.contains(needle));
        is_final.then(|| Self {
            row: number_after(text, " at row "),
            text: bounded(text.as_bytes(), LONGEST_TEXT).into_owned(),
        })
    }
}

fn number_after(text: &str, words: &str) -> Option<usize> {
    let (_, behind) = text.split_once(words)?;
    let end = behind.find(|c: char| !c.is_ascii_digit());
    behind[..end.unwrap_or(behind.len())].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Option<Refusal> {
        Refusal::of(&Error::BadResponse(text.to_owned()))
    }

    #[test]
    fn what_lies_in_the_values_is_final_and_nothing_else() {
        let violated = "Code: 469. DB::Exception: Constraint `c` for table t is violated at row 17. Expression: (x)";
        let refusal = of(violated).unwrap();
        assert_eq!((refusal.row, refusal.text.as_str()), (Some(17), violated));
        let months = "Code: 252. DB::Exception: Too many partitions for single INSERT block (more than 100).";
        assert_eq!(of(months).unwrap().row, None);
        for passes in [
            "Code: 252. DB::Exception: Too many parts (3000). Merges are processing slower than inserts.",
            "Code: 241. DB::Exception: Memory limit exceeded",
            "Code: 243. DB::Exception: Cannot reserve 1.00 MiB, not enough space.",
            "Code: 60. DB::Exception: Table whence.clicks does not exist",
            "Code: 16. DB::Exception: No such column tags in table clicks",
            "Code: 516. DB::Exception: default: Authentication failed",
            "Code: 164. DB::Exception: Cannot execute query in readonly mode",
            "502 Bad Gateway",
            "Code: , a proxy's",
        ] {
            assert_eq!(of(passes), None, "{passes}");
        }
        assert_eq!(Refusal::of(&Error::TimedOut), None);
    }

    #[test]
    fn the_text_is_bounded_at_a_character() {
        let long = format!("Code: 6. {}", "ü".repeat(LONGEST_TEXT));
        let text = of(&long).unwrap().text;
        assert!(text.len() <= LONGEST_TEXT && text.len() > LONGEST_TEXT - 2);
    }
}
