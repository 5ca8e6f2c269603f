//! All links of a workspace into a file. The file has its name only once it is whole.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use http_body_util::BodyExt;
use hyper::Method;
use whence_core::process::Failure;

use super::api::Api;
use super::part::PartFile;
use super::progress::Progress;
use super::{Access, Format, named};

/// How long nothing may come before the line counts as broken.
const PATIENCE: Duration = Duration::from_secs(60);

/// A file to be written.
#[derive(Debug, Args)]
pub struct Export {
    /// The file; standard output for - or none
    file: Option<PathBuf>,
    /// How it is written; by default as its name says
    #[arg(long)]
    format: Option<Format>,
    /// Which API, and who asks.
    #[command(flatten)]
    pub(super) access: Access,
}

/// Where the export goes.
enum Sink {
    Stdout(io::Stdout),
    File(PartFile),
}

impl Sink {
    fn open(name: Option<&Path>) -> Result<Self, Failure> {
        Ok(match name {
            None => Self::Stdout(io::stdout()),
            Some(name) => Self::File(PartFile::begin(name)?),
        })
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Stdout(stdout) => stdout.write_all(bytes),
            Self::File(file) => file.write_all(bytes),
        }
    }

    fn finish(self) -> io::Result<()> {
        match self {
            Self::Stdout(mut stdout) => stdout.flush(),
            Self::File(file) => file.finish(),
        }
    }
}

/// Does it.
pub(super) async fn run(api: &Api, asked: &Export) -> Result<(), Failure> {
    let name = named(asked.file.as_ref());
    let format = Format::of(asked.format, name)?;
    let path = format!("/api/v1/links/export?format={}", format.name());
    let answer = api.ask(Method::GET, &path, None).await;
    let mut body = answer.map_err(Failure::runtime)?.into_body();
    let mut sink = Sink::open(name)?;
    let progress = Progress::begin("exported", "links", None);
    let mut counter = Counter::new(format);
    let mut bytes = 0;
    loop {
        let frame = tokio::time::timeout(PATIENCE, body.frame()).await;
        let frame = frame.map_err(|_| Failure::Runtime("the API fell silent".into()))?;
        let Some(frame) = frame else { break };
        let frame = frame
            .map_err(|error| Failure::Runtime(format!("the API broke the export off: {error}")))?;
        if let Ok(data) = frame.into_data() {
            sink.write(&data).map_err(Failure::runtime)?;
            bytes += data.len() as u64;
            counter.count(&data);
            progress.at(bytes, counter.links());
        }
    }
    sink.finish().map_err(Failure::runtime)?;
    progress.end();
    eprintln!("exported {} links", counter.links());
    Ok(())
}

/// Counts the links of a file as it passes by.
struct Counter {
    format: Format,
    /// Ends of lines that are ends of rows.
    rows: u64,
    /// Whether a text in quotes has begun. A quote within it is doubled, which changes nothing.
    is_quoted: bool,
}

impl Counter {
    fn new(format: Format) -> Self {
        Self {
            format,
            rows: 0,
            is_quoted: false,
        }
    }

    fn count(&mut self, bytes: &[u8]) {
        for byte in bytes {
            match byte {
                b'"' if self.format == Format::Csv => self.is_quoted = !self.is_quoted,
                b'\n' if !self.is_quoted => self.rows += 1,
                _ => {}
            }
        }
    }

    fn links(&self) -> u64 {
        match self.format {
            // The first line has the names of columns.
            Format::Csv => self.rows.saturating_sub(1),
            Format::Jsonl => self.rows,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_counted_however_the_file_is_cut() {
        let csv = b"slug,notes\na,\"two\nlines, and a \"\"quote\"\"\"\nb,\n";
        for cut in 0..csv.len() {
            let mut counter = Counter::new(Format::Csv);
            counter.count(&csv[..cut]);
            counter.count(&csv[cut..]);
            assert_eq!(counter.links(), 2, "{cut}");
        }
        let mut counter = Counter::new(Format::Jsonl);
        counter.count(b"{\"notes\":\"a \\\" quote\"}\n{}\n");
        assert_eq!(counter.links(), 2);
    }
}
