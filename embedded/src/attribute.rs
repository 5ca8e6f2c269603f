//! `whence attribute`: the attribution models over a file of paths, so that anybody can hold them against another tool's.
//! What a model is stands in `analytics/src/attribution.rs`; here files are opened and answers shown.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use serde_json::{Map, Value, json};
use whence_analytics::attribution::file::{self, FileError};
use whence_analytics::attribution::{Credit, Credits, MICRO, Model, attribute};
use whence_core::process::Failure;

/// The file is not what it should be (`EX_DATAERR`).
const BAD_DATA: u8 = 65;
/// The row of what nobody earned.
const NOBODY: &str = "(unattributed)";

/// What is attributed, and how it is told.
#[derive(Debug, Args)]
pub struct AttributeArgs {
    /// A CSV file with the columns path (touches joined by " > "), total_conversions and, if there are any,
    /// total_conversion_value and total_null; - for standard input
    file: PathBuf,
    /// Only these models; by default all. Parameters behind colons: position:40:40, time_decay:2 (half-life in
    /// touches), markov:3 (order)
    #[arg(long, value_name = "MODEL", value_delimiter = ',')]
    models: Vec<Model>,
    /// How it is told
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

/// How it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Table,
    /// channel, model, conversions, value
    Csv,
    /// An object for each model
    Json,
}

/// What was found.
struct Told<'f> {
    file: &'f file::File,
    credits: Vec<Credits>,
}

/// Attributes. The exit code is 65 where the file is wrong.
pub fn main(args: &AttributeArgs) -> ExitCode {
    match run(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Stop::Data(told)) => {
            eprintln!("error: {}: {told}", args.file.display());
            BAD_DATA.into()
        }
        Err(Stop::Failure(failure)) => failure.report(),
    }
}

/// Why it was not done.
enum Stop {
    /// The file is wrong.
    Data(String),
    /// Anything else.
    Failure(Failure),
}

fn run(args: &AttributeArgs) -> Result<(), Stop> {
    let failed = |error: io::Error| {
        let told = format!("{}: {error}", args.file.display());
        Stop::Failure(Failure::Runtime(told))
    };
    let source: Box<dyn Read> = match args.file.to_str() {
        Some("-") => Box::new(io::stdin().lock()),
        _ => Box::new(File::open(&args.file).map_err(failed)?),
    };
    let file = file::read(source).map_err(|error| match error {
        FileError::Csv(error) if error.is_io_error() => {
            let told = format!("{}: {error}", args.file.display());
            Stop::Failure(Failure::Runtime(told))
        }
        error => Stop::Data(error.to_string()),
    })?;
    let models = match &args.models[..] {
        [] => &Model::ALL[..],
        chosen => chosen,
    };
    let credits = attribute(&file.paths, models).map_err(|error| Stop::Data(error.to_string()))?;
    let told = Told {
        file: &file,
        credits,
    };
    let text = match args.format {
        Format::Table => told.table(),
        Format::Csv => told.csv().map_err(|error| failed(error.into()))?,
        Format::Json => told.json(),
    };
    let out = io::stdout().lock().write_all(text.as_bytes());
    out.map_err(|error| Stop::Failure(Failure::Runtime(format!("standard output: {error}"))))
}

impl Told<'_> {
    /// The channels' names, by their numbers, and behind them that of nobody.
    fn rows(&self) -> impl Iterator<Item = &str> {
        let channels = self.file.paths.channels().iter().map(String::as_str);
        channels.chain([NOBODY])
    }

    fn credit(&self, model: &Credits, row: usize) -> Credit {
        let channel = model.channels.get(row).copied();
        channel.unwrap_or(model.unattributed)
    }

    fn conversions(&self, credit: Credit) -> String {
        decimal(credit.conversions, MICRO.ilog10())
    }

    fn value(&self, credit: Credit) -> Option<String> {
        let has_values = self.file.has_values;
        has_values.then(|| decimal(credit.value, self.file.decimals))
    }

    fn table(&self) -> String {
        let name = self.rows().map(|name| name.chars().count()).max();
        let name = name.unwrap_or_default().max("channel".len());
        let mut text = String::new();
        for model in &self.credits {
            // A String takes whatever is written.
            let _ = writeln!(text, "{}", model.model);
            let _ = writeln!(
                text,
                "  {:<name$}  {:>18}  {:>18}",
                "channel", "conversions", "value"
            );
            for (row, channel) in self.rows().enumerate() {
                let credit = self.credit(model, row);
                if channel == NOBODY && credit == Credit::default() {
                    continue;
                }
                let (conversions, value) = (self.conversions(credit), self.value(credit));
                let value = value.as_deref().unwrap_or("-");
                let _ = writeln!(text, "  {channel:<name$}  {conversions:>18}  {value:>18}");
            }
            text.push('\n');
        }
        text
    }

    fn csv(&self) -> Result<String, csv::Error> {
        let mut lines = csv::Writer::from_writer(Vec::new());
        lines.write_record(["channel", "model", "conversions", "value"])?;
        for model in &self.credits {
            let name = model.model.to_string();
            for (row, channel) in self.rows().enumerate() {
                let credit = self.credit(model, row);
                let (conversions, value) = (self.conversions(credit), self.value(credit));
                let value = value.unwrap_or_default();
                lines.write_record([channel, &name, &conversions, &value])?;
            }
        }
        let bytes = lines.into_inner().map_err(|error| error.into_error())?;
        Ok(String::from_utf8(bytes).expect("made of texts"))
    }

    fn json(&self) -> String {
        let models: Vec<Value> = self
            .credits
            .iter()
            .map(|model| {
                let credit = |row| {
                    let credit = self.credit(model, row);
                    // Texts: a reader's floating point would break what adds up to the unit.
                    json!({ "conversions": self.conversions(credit), "value": self.value(credit) })
                };
                let channels: Map<String, Value> = self
                    .file
                    .paths
                    .channels()
                    .iter()
                    .enumerate()
                    .map(|(row, channel)| (channel.clone(), credit(row)))
                    .collect();
                json!({
                    "model": model.model.to_string(),
                    "channels": channels,
                    "unattributed": credit(model.channels.len()),
                })
            })
            .collect();
        format!("{:#}\n", Value::Array(models))
    }
}

/// A number of units of the last decimal, as people write it.
fn decimal(units: i128, decimals: u32) -> String {
    let sign = if units < 0 { "-" } else { "" };
    let (one, digits) = (10_u128.pow(decimals), decimals as usize);
    let (whole, rest) = (units.unsigned_abs() / one, units.unsigned_abs() % one);
    match digits {
        0 => format!("{sign}{whole}"),
        _ => format!("{sign}{whole}.{rest:0digits$}"),
    }
}
