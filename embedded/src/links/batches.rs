//! A file in parts that the API takes in one request, and which line of the file is which line of a part.

use std::io::{self, BufRead, Read};

use csv::{ByteRecord, Reader, ReaderBuilder, WriterBuilder};
use serde::Deserialize;
use serde::de::IgnoredAny;
use thiserror::Error;

use super::Format;

/// The most passwords that it hashes in one request: each takes a while, by design.
const MOST_PASSWORDS: usize = 200;
/// The longest line: a link with all that it may say is a tenth of it.
const LONGEST_LINE: u64 = 8 << 20;

/// How much goes into one request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// The most rows.
    pub(crate) rows: usize,
    /// It is sent once it is so long: far less than what the API takes, so that a last long line fits.
    pub(crate) bytes: usize,
}

/// The file cannot be read on.
#[derive(Debug, Error)]
pub(crate) enum BatchError {
    /// Reading failed.
    #[error("line {line}: {source}")]
    Read {
        /// Where in the file.
        line: u64,
        /// What went wrong.
        source: io::Error,
    },
    /// A line without end.
    #[error("line {line}: is longer than {} MiB", LONGEST_LINE >> 20)]
    TooLong {
        /// Where in the file.
        line: u64,
    },
}

/// A row of a part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    /// The line of the file on which it begins, from 1.
    pub(crate) line: u64,
    /// The line of the part on which it begins, from 1.
    pub(crate) place: u64,
    /// Where it stands in the part's body.
    pub(crate) bytes: std::ops::Range<usize>,
}

/// Reads no further than it may: a quote that nobody closes must not take the whole file into memory.
pub(crate) struct Bounded<R> {
    source: R,
    left: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let read = self.source.by_ref().take(self.left).read(buffer)?;
        self.left -= read as u64;
        Ok(read)
    }
}

/// What goes into one request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Batch {
    /// The part as a file of its own, with the names of columns where there are any.
    pub(crate) body: Vec<u8>,
    /// Its rows, in their order.
    pub(crate) rows: Vec<Row>,
    /// How far the file was read for it, in bytes.
    pub(crate) read_to: u64,
    /// How many lines the body has.
    lines: u64,
    passwords: usize,
}

impl Batch {
    fn is_full(&self, limits: Limits) -> bool {
        self.rows.len() >= limits.rows
            || self.passwords >= MOST_PASSWORDS
            || self.body.len() >= limits.bytes
    }

    /// Adds a row with its line end.
    fn push(&mut self, line: u64, text: &[u8], has_password: bool) {
        let start = self.body.len();
        self.body.extend_from_slice(text);
        self.rows.push(Row {
            line,
            place: self.lines + 1,
            bytes: start..self.body.len(),
        });
        self.lines += lines(text);
        self.passwords += usize::from(has_password);
    }

    /// The names of columns, where there are any.
    pub(crate) fn header(&self) -> &[u8] {
        let end = self.rows.first().map_or(0, |row| row.bytes.start);
        &self.body[..end]
    }

    /// A row by the line of the part that the API names.
    pub(crate) fn row_at(&self, place: u64) -> Option<&Row> {
        let found = self.rows.binary_search_by_key(&place, |row| row.place);
        found.ok().map(|at| &self.rows[at])
    }
}

/// A file that is read part by part.
pub(crate) enum Batches<R: Read> {
    /// Records may go over several lines.
    Csv {
        /// Where they come from, so many bytes for each record.
        reader: Box<Reader<Bounded<R>>>,
        /// The names of the columns, as a line of a part.
        header: Vec<u8>,
        /// Which column holds passwords.
        password: Option<usize>,
        /// What the reader's line numbers lack: of CR LF it sees the LF only when it reads on.
        behind: u64,
    },
    /// A line is a row.
    Jsonl {
        /// Where they come from.
        reader: io::BufReader<R>,
        /// The number of the last line that was read.
        line: u64,
        /// How many bytes were read.
        read: u64,
    },
}

impl<R: Read> Batches<R> {
    /// Begins a file; of CSV the names of columns are read.
    pub(crate) fn begin(source: R, format: Format) -> Result<Self, BatchError> {
        match format {
            Format::Csv => {
                let source = Bounded {
                    source,
                    left: LONGEST_LINE,
                };
                let reader = ReaderBuilder::new().flexible(true).from_reader(source);
                let mut reader = Box::new(reader);
                let names = reader.byte_headers().map_err(|e| csv_error(1, e))?;
                let header = csv_line(names);
                let password = names
                    .iter()
                    .position(|name| name.trim_ascii() == b"password");
                let behind = (lines(&header) + 1).saturating_sub(reader.position().line());
                Ok(Self::Csv {
                    header,
                    password,
                    behind,
                    reader,
                })
            }
            Format::Jsonl => Ok(Self::Jsonl {
                reader: io::BufReader::new(source),
                line: 0,
                read: 0,
            }),
        }
    }

    /// The next part from line `from` on; none at the end of the file.
    pub(crate) fn next(&mut self, from: u64, limits: Limits) -> Result<Option<Batch>, BatchError> {
        let mut batch = Batch::default();
        match self {
            Self::Csv {
                reader,
                header,
                password,
                behind,
            } => {
                batch.lines = lines(header);
                batch.body.clone_from(header);
                let mut record = ByteRecord::new();
                while !batch.is_full(limits) {
                    let line = reader.position().line() + *behind;
                    reader.get_mut().left = LONGEST_LINE;
                    if !reader
                        .read_byte_record(&mut record)
                        .map_err(|e| csv_error(line, e))?
                    {
                        break;
                    }
                    let line = record.position().map_or(line, |at| at.line() + *behind);
                    if line >= from {
                        let has_password = password.and_then(|column| record.get(column));
                        let has_password = has_password.is_some_and(|text| !text.is_empty());
                        batch.push(line, &csv_line(&record), has_password);
                    }
                }
                batch.read_to = reader.position().byte();
            }
            Self::Jsonl { reader, line, read } => {
                let mut text = Vec::new();
                while !batch.is_full(limits) {
                    text.clear();
                    let bytes = reader
                        .by_ref()
                        .take(LONGEST_LINE + 1)
                        .read_until(b'\n', &mut text)
                        .map_err(|source| BatchError::Read {
                            line: *line + 1,
                            source,
                        })? as u64;
                    if bytes == 0 {
                        break;
                    }
                    *line += 1;
                    *read += bytes;
                    if bytes > LONGEST_LINE {
                        return Err(BatchError::TooLong { line: *line });
                    }
                    if *line >= from && !text.trim_ascii().is_empty() {
                        if !text.ends_with(b"\n") {
                            text.push(b'\n');
                        }
                        batch.push(*line, &text, has_password(&text));
                    }
                }
                batch.read_to = *read;
            }
        }
        Ok((!batch.rows.is_empty()).then_some(batch))
    }
}

/// How many lines end in a text.
fn lines(text: &[u8]) -> u64 {
    text.iter().filter(|byte| **byte == b'\n').count() as u64
}

/// A record as one line, unless its texts have line ends themselves.
fn csv_line(record: &ByteRecord) -> Vec<u8> {
    let mut writer = WriterBuilder::new().flexible(true).from_writer(Vec::new());
    writer
        .write_byte_record(record)
        .expect("memory takes every line");
    writer.into_inner().expect("memory takes every line")
}

fn csv_error(line: u64, error: csv::Error) -> BatchError {
    let line = error.position().map_or(line, csv::Position::line);
    let source = match error.into_kind() {
        csv::ErrorKind::Io(source) if source.kind() == io::ErrorKind::FileTooLarge => {
            return BatchError::TooLong { line };
        }
        csv::ErrorKind::Io(source) => source,
        // Bytes of any length are asked for, so nothing else can be wrong with them.
        kind => io::Error::other(format!("{kind:?}")),
    };
    BatchError::Read { line, source }
}

/// Whether a line of JSON has a password in it. What is no JSON is the API's to refuse.
fn has_password(line: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Password {
        password: Option<IgnoredAny>,
    }
    serde_json::from_slice::<Password>(line).is_ok_and(|row| row.password.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits {
        rows: 10_000,
        bytes: 16 << 20,
    };

    fn all(text: &str, format: Format, from: u64) -> Vec<Batch> {
        let mut batches = Batches::begin(text.as_bytes(), format).unwrap();
        std::iter::from_fn(|| batches.next(from, LIMITS).unwrap()).collect()
    }

    fn places(batch: &Batch) -> Vec<(u64, u64)> {
        batch.rows.iter().map(|row| (row.line, row.place)).collect()
    }

    #[test]
    fn rows_know_their_lines() {
        let csv = "slug,notes\r\na,x\r\n\"b\",\"two\nlines\"\r\nc,\r\n";
        let [batch] = &all(csv, Format::Csv, 1)[..] else {
            panic!("one part")
        };
        assert_eq!(
            String::from_utf8_lossy(&batch.body),
            "slug,notes\na,x\nb,\"two\nlines\"\nc,\n"
        );
        assert_eq!(places(batch), [(2, 2), (3, 3), (5, 5)]);
        assert_eq!(
            &batch.body[batch.row_at(3).unwrap().bytes.clone()],
            b"b,\"two\nlines\"\n"
        );
        assert_eq!(batch.row_at(4), None);
        assert_eq!(batch.read_to, csv.len() as u64);

        let jsonl = "{\"slug\":\"a\"}\n\n  \n{\"slug\":\"b\"}";
        let [batch] = &all(jsonl, Format::Jsonl, 1)[..] else {
            panic!("one part")
        };
        assert_eq!(places(batch), [(1, 1), (4, 2)]);
        assert_eq!(batch.body, b"{\"slug\":\"a\"}\n{\"slug\":\"b\"}\n");
        assert_eq!(batch.read_to, jsonl.len() as u64);
    }

    #[test]
    fn a_file_goes_on_where_it_was_broken_off() {
        let csv = "slug\na\nb\nc\n";
        let parts = all(csv, Format::Csv, 3);
        assert_eq!(parts[0].body, b"slug\nb\nc\n");
        assert_eq!(places(&parts[0]), [(3, 2), (4, 3)]);
        assert_eq!(places(&all("{}\n{}\n{}\n", Format::Jsonl, 3)[0]), [(3, 1)]);
        assert_eq!(all(csv, Format::Csv, 5), []);
        assert_eq!(all("", Format::Jsonl, 1), []);
    }

    #[test]
    fn parts_have_bounds() {
        let rows: String = (0..20_001).map(|n| format!("link-{n}\n")).collect();
        let parts = all(&format!("slug\n{rows}"), Format::Csv, 1);
        let counts: Vec<_> = parts.iter().map(|part| part.rows.len()).collect();
        assert_eq!(counts, [10_000, 10_000, 1]);
        assert!(parts.iter().all(|part| part.body.starts_with(b"slug\n")));
        assert_eq!(parts[2].rows[0].line, 20_002);

        let with_passwords: String = (0..401)
            .map(|n| format!("{n},secret\n{n}-open,\n"))
            .collect();
        let parts = all(
            &format!("slug, password \n{with_passwords}"),
            Format::Csv,
            1,
        );
        let counts: Vec<_> = parts.iter().map(|part| part.rows.len()).collect();
        assert_eq!(counts, [399, 400, 3]);

        let long = format!("{{\"notes\":\"{}\"}}\n", "x".repeat(1 << 20));
        let parts = all(&long.repeat(40), Format::Jsonl, 1);
        assert!(
            parts
                .iter()
                .all(|part| part.body.len() < LIMITS.bytes + (2 << 20))
        );
        assert_eq!(parts.iter().map(|part| part.rows.len()).sum::<usize>(), 40);
    }

    #[test]
    fn a_line_has_an_end() {
        let endless = format!("{{}}\n{}", "x".repeat(9 << 20));
        let mut batches = Batches::begin(endless.as_bytes(), Format::Jsonl).unwrap();
        let error = batches.next(1, LIMITS).unwrap_err();
        assert_eq!(error.to_string(), "line 2: is longer than 8 MiB");
        // A quote that nobody closes makes one record of the rest.
        let endless = format!("slug\na\n\"{}", "b\n".repeat(5 << 20));
        let mut batches = Batches::begin(endless.as_bytes(), Format::Csv).unwrap();
        let error = batches.next(1, LIMITS).unwrap_err();
        assert_eq!(error.to_string(), "line 3: is longer than 8 MiB");
        let error = Batches::begin(&endless.as_bytes()[7..], Format::Csv).err();
        assert_eq!(error.unwrap().to_string(), "line 1: is longer than 8 MiB");
    }

    #[test]
    fn what_is_no_text_is_passed_on() {
        let mut batches = Batches::begin(&b"slug\n\xff\xfe\n"[..], Format::Csv).unwrap();
        assert_eq!(
            batches.next(1, LIMITS).unwrap().unwrap().body,
            b"slug\n\xff\xfe\n"
        );
    }
}
