//! Paths as tools exchange them: a CSV file with the columns `path`, `total_conversions`, `total_conversion_value` and
//! `total_null`, in any order, the last two optional; the touches of a path joined by ` > `.

use std::io::Read;

use csv::{ReaderBuilder, StringRecord};
use thiserror::Error;

use super::paths::{Path, Paths};

/// More touches than a path of people has; more would make one line cost as much as a file.
const MOST_TOUCHES: usize = 10_000;
/// More channels than a comparison of channels has; the removal effect of each is a chain of its own.
const MOST_CHANNELS: usize = 5_000;
/// Decimals that a value may have.
const MOST_DECIMALS: u32 = 6;
/// Between two touches.
const JOINT: char = '>';

/// The file is not such a file.
#[derive(Debug, Error)]
pub enum FileError {
    /// It cannot be read, or is no CSV.
    #[error("{0}")]
    Csv(#[from] csv::Error),
    /// A column that there must be is not there.
    #[error("line 1: there is no column {0}")]
    NoColumn(&'static str),
    /// A column is there twice.
    #[error("line 1: the column {0} is there twice")]
    TwoColumns(&'static str),
    /// A value is not what its column holds.
    #[error("line {line}: {column}: {reason}")]
    Value {
        /// Where.
        line: u64,
        /// In which column.
        column: &'static str,
        /// What it should be.
        reason: &'static str,
    },
}

/// What a file holds.
#[derive(Debug)]
pub struct File {
    /// Its paths, values in units of the last decimal that any of them has.
    pub paths: Paths,
    /// How many decimals that is.
    pub decimals: u32,
    /// Whether it says what conversions were worth.
    pub has_values: bool,
}

/// Where the columns are.
struct Columns {
    path: usize,
    conversions: usize,
    value: Option<usize>,
    null: Option<usize>,
}

impl Columns {
    fn find(header: &StringRecord) -> Result<Self, FileError> {
        let place = |name: &'static str| {
            let mut found = (0..header.len()).filter(|place| header[*place].trim() == name);
            match (found.next(), found.next()) {
                (_, Some(_)) => Err(FileError::TwoColumns(name)),
                (place, None) => Ok(place),
            }
        };
        let needed = |name: &'static str| place(name)?.ok_or(FileError::NoColumn(name));
        Ok(Self {
            path: needed("path")?,
            conversions: needed("total_conversions")?,
            value: place("total_conversion_value")?,
            null: place("total_null")?,
        })
    }
}

/// Reads a file.
pub fn read(source: impl Read) -> Result<File, FileError> {
    let mut lines = ReaderBuilder::new().from_reader(source);
    let columns = Columns::find(lines.headers()?)?;
    let mut paths = Paths::default();
    // How many decimals each value has, with the value itself as a whole number.
    let mut values: Vec<(i128, u32)> = Vec::new();
    let mut record = StringRecord::new();
    while lines.read_record(&mut record)? {
        let line = record.position().map_or(0, csv::Position::line);
        let refused = |column, reason| FileError::Value {
            line,
            column,
            reason,
        };
        let text = |place: usize| record.get(place).unwrap_or_default().trim();
        let touches =
            touches(text(columns.path), &mut paths).map_err(|reason| refused("path", reason))?;
        let conversions = count(text(columns.conversions))
            .map_err(|reason| refused("total_conversions", reason))?;
        let null = columns.null.map_or(Ok(0), |place| count(text(place)));
        let null = null.map_err(|reason| refused("total_null", reason))?;
        let value = columns
            .value
            .map_or(Ok((0, 0)), |place| decimal(text(place)));
        values.push(value.map_err(|reason| refused("total_conversion_value", reason))?);
        paths.paths.push(Path {
            touches,
            conversions,
            value: 0,
            null,
        });
    }
    let decimals = values
        .iter()
        .map(|(_, decimals)| *decimals)
        .max()
        .unwrap_or(0);
    for (path, (number, own)) in paths.paths.iter_mut().zip(values) {
        path.value = number * 10_i128.pow(decimals - own);
    }
    Ok(File {
        paths,
        decimals,
        has_values: columns.value.is_some(),
    })
}

fn touches(text: &str, paths: &mut Paths) -> Result<Vec<u32>, &'static str> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let mut touches = Vec::new();
    for name in text.split(JOINT) {
        let name = name.trim();
        if name.is_empty() {
            return Err("a touch between two > is empty");
        }
        if touches.len() == MOST_TOUCHES {
            return Err("must have at most 10000 touches");
        }
        touches.push(paths.channel(name));
        if paths.channels().len() > MOST_CHANNELS {
            return Err("there must be at most 5000 channels in all");
        }
    }
    Ok(touches)
}

/// A whole number; tools that reckon in floating point write `3.0`.
fn count(text: &str) -> Result<u64, &'static str> {
    const REASON: &str = "must be a whole number from 0 to 999999999999";
    if text.is_empty() {
        return Ok(0);
    }
    let (whole, rest) = text.split_once('.').unwrap_or((text, ""));
    let digits =
        !whole.is_empty() && whole.len() <= 12 && whole.bytes().all(|b| b.is_ascii_digit());
    if !digits || rest.bytes().any(|b| b != b'0') {
        return Err(REASON);
    }
    whole.parse().map_err(|_| REASON)
}

/// A decimal number, as a whole one and how many of its digits are decimals.
fn decimal(text: &str) -> Result<(i128, u32), &'static str> {
    const REASON: &str =
        "must be a decimal number of at most 18 digits, 6 of them decimals, such as 12.50";
    if text.is_empty() {
        return Ok((0, 0));
    }
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text),
    };
    let (whole, decimals) = digits.split_once('.').unwrap_or((digits, ""));
    let decimals = decimals.trim_end_matches('0');
    let fits = decimals.len() <= MOST_DECIMALS as usize && whole.len() + decimals.len() <= 18;
    let all = [whole, decimals].concat();
    if whole.is_empty() || !fits || !all.bytes().all(|b| b.is_ascii_digit()) {
        return Err(REASON);
    }
    let number: i128 = all.parse().map_err(|_| REASON)?;
    Ok((sign * number, decimals.len() as u32))
}
