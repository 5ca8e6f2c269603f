//! `whence links`: all links of a workspace into a file, and links out of a file, over the API like anybody
//! else, so that it works from another machine too.
//!
//! What a line of a file means is the API's to say; here files are cut into requests, and what became of
//! each line is told by its number in the file.

pub(crate) mod api;
pub(crate) mod batches;
mod export;
mod import;
pub(crate) mod part;
pub(crate) mod progress;
pub(crate) mod rejects;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use whence_core::config::Config;
use whence_core::process::Failure;

use api::Api;

/// What is done with many links.
#[derive(Debug, Subcommand)]
pub enum Links {
    /// Write every link of a workspace, archived ones too, to a file or to standard output
    Export(export::Export),
    /// Make links of the lines of a file, such as an export
    Import(import::Import),
}

/// Which API, and who asks.
#[derive(Debug, Args)]
pub(crate) struct Access {
    /// Where the API answers; by default on this machine, at the configured port
    #[arg(long)]
    url: Option<String>,
    /// File with the API key; by default the variable WHENCE_API_KEY, or else data/api-key
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
}

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// A line of column names, then a line for each link
    Csv,
    /// A JSON object on each line
    Jsonl,
}

impl Format {
    /// By its name in the API.
    fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Jsonl => "jsonl",
        }
    }

    /// By its name in headers.
    pub(crate) fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv",
            Self::Jsonl => "application/jsonl",
        }
    }

    /// What was asked for, or else what the file's name says.
    pub(crate) fn of(asked: Option<Self>, file: Option<&Path>) -> Result<Self, Failure> {
        let extension = file
            .and_then(Path::extension)
            .and_then(|text| text.to_str());
        let by_name = match extension {
            Some("csv") => Some(Self::Csv),
            Some("jsonl" | "ndjson") => Some(Self::Jsonl),
            _ => None,
        };
        asked.or(by_name).ok_or_else(|| {
            Failure::Config("--format csv or jsonl is required: no file's name says which".into())
        })
    }
}

/// A file by its name; `-` is a standard stream, and so is none.
pub(crate) fn named(file: Option<&PathBuf>) -> Option<&Path> {
    file.map(PathBuf::as_path)
        .filter(|path| path.as_os_str() != "-")
}

/// Does it.
pub async fn run(config: Config, links: Links) -> Result<(), Failure> {
    match links {
        Links::Export(asked) => {
            let api = Api::open(&config, &asked.access)?;
            export::run(&api, &asked).await
        }
        Links::Import(asked) => {
            let api = Api::open(&config, &asked.access)?;
            import::run(&api, &asked).await
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_format_is_asked_for_or_named_by_the_file() {
        let of = |asked, file: &str| Format::of(asked, named(Some(&file.into())));
        assert_eq!(of(None, "links.csv").unwrap(), Format::Csv);
        assert_eq!(of(None, "links.ndjson").unwrap(), Format::Jsonl);
        assert_eq!(of(Some(Format::Jsonl), "links.csv").unwrap(), Format::Jsonl);
        assert_eq!(of(Some(Format::Csv), "-").unwrap(), Format::Csv);
        for unclear in ["-", "links", "links.txt"] {
            let refused = of(None, unclear).unwrap_err().to_string();
            assert!(refused.contains("--format"), "{unclear}: {refused}");
        }
    }
}
