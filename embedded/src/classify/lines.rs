//! Lines of a file or a stream, one at a time: each is bounded, and those that are wrong are told by their number.

use std::io::{self, BufRead, Read};

/// The longest line. A request's head is at most 16 KiB at the edge unless it is configured otherwise, and JSON takes at most
/// six bytes for one.
const LONGEST: usize = 256 << 10;
/// How many refusals are told one by one: enough to see what is wrong, few enough to be read.
const TOLD: u64 = 500;

/// What is wrong with a line.
#[derive(Debug)]
pub(super) struct Told(String);

impl From<String> for Told {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl Told {
    /// With the line's number.
    pub(super) fn at(&self, number: u64) -> String {
        format!("line {number}: {}", self.0)
    }
}

/// A line that can be read.
pub(super) struct Line<'l> {
    /// Its number, from 1.
    pub(super) number: u64,
    /// Without its end.
    pub(super) text: &'l str,
}

/// Lines that are being read.
pub(super) struct Lines<R> {
    source: R,
    buffer: Vec<u8>,
    text: String,
    count: u64,
    refused: u64,
}

impl<R: BufRead> Lines<R> {
    /// Begins.
    pub(super) fn new(source: R) -> Self {
        Self {
            source,
            buffer: Vec::new(),
            text: String::new(),
            count: 0,
            refused: 0,
        }
    }

    /// How many there were.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// How many of them were refused.
    pub(super) fn refused(&self) -> u64 {
        self.refused
    }

    /// Says what is wrong with a line.
    pub(super) fn refuse(&mut self, told: &str) {
        self.refused += 1;
        if self.refused <= TOLD {
            eprintln!("{told}");
        } else if self.refused == TOLD + 1 {
            eprintln!("… and more");
        }
    }

    /// The next line that is short enough. Bytes that are no text become U+FFFD, as in a click.
    pub(super) fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        loop {
            self.buffer.clear();
            let limit = LONGEST as u64 + 2;
            let read = (&mut self.source)
                .take(limit)
                .read_until(b'\n', &mut self.buffer)?;
            if read == 0 {
                return Ok(None);
            }
            self.count += 1;
            let is_whole = self.buffer.ends_with(b"\n");
            if is_whole {
                self.buffer.pop();
                if self.buffer.ends_with(b"\r") {
                    self.buffer.pop();
                }
            }
            if self.buffer.len() > LONGEST {
                if !is_whole {
                    self.skip()?;
                }
                let told = format!("line {}: longer than {LONGEST} bytes", self.count);
                self.refuse(&told);
                continue;
            }
            self.text.clear();
            self.text.push_str(&String::from_utf8_lossy(&self.buffer));
            return Ok(Some(Line {
                number: self.count,
                text: &self.text,
            }));
        }
    }

    /// Leaves out what is left of a line.
    fn skip(&mut self) -> io::Result<()> {
        loop {
            let some = self.source.fill_buf()?;
            let end = some.iter().position(|byte| *byte == b'\n');
            let length = some.len();
            self.source.consume(end.map_or(length, |end| end + 1));
            if end.is_some() || length == 0 {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(source: &[u8]) -> (Vec<(u64, String)>, u64) {
        let mut lines = Lines::new(source);
        let mut read = Vec::new();
        while let Some(line) = lines.next().unwrap() {
            read.push((line.number, line.text.to_owned()));
        }
        (read, lines.refused())
    }

    #[test]
    fn lines_of_any_end() {
        let (read, refused) = all(b"a\r\n\nb\xff\nc");
        let expected = [(1, "a"), (2, ""), (3, "b\u{fffd}"), (4, "c")];
        let expected = expected.map(|(number, text)| (number, text.to_owned()));
        assert_eq!((read, refused), (expected.to_vec(), 0));
    }

    #[test]
    fn a_line_that_is_too_long_stops_no_other() {
        for end in ["\n", "\r\n"] {
            let fits = "x".repeat(LONGEST);
            for more in [1, 2, 3, LONGEST, 5 * LONGEST] {
                let long = "y".repeat(LONGEST + more);
                let source = format!("{long}{end}{fits}{end}z{end}{long}");
                let (read, refused) = all(source.as_bytes());
                let numbers: Vec<u64> = read.iter().map(|(number, _)| *number).collect();
                assert_eq!((numbers, refused), (vec![2, 3], 2), "{more}");
                assert_eq!(read[0].1.len(), LONGEST);
            }
        }
    }
}
