//! `whence classify`: what Whence makes of agents, referrers or whole requests, so that anybody can hold it against a list
//! of their own.
//!
//! The rules are ingest's, and headers are read by the redirector's own code: here lines become clicks, and what was found
//! out becomes lines.

mod lines;
mod request;
mod told;

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use whence_core::config::Cookies;
use whence_core::process::{Failure, Flags};
use whence_ingest::enrich::{Enricher, Seen};

use lines::{Lines, Told};
use request::Request;

/// Lines were not what they should be (`EX_DATAERR`).
const BAD_DATA: u8 = 65;
/// How many requests of one traffic are looked at together. Whoever has more has the table of clicks.
const TOGETHER: usize = 200_000;

/// What is read, and how it is judged.
#[derive(Debug, Args)]
pub struct ClassifyArgs {
    /// What each line is
    #[arg(long = "as", value_enum, default_value_t = Kind::Requests)]
    kind: Kind,
    /// Requests are one traffic: bursts, repeats and the like count, by their times. Without it each is judged as if it
    /// were alone
    #[arg(long)]
    together: bool,
    /// The file; by default, or where it is -, standard input
    file: Option<PathBuf>,
}

/// What a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// A user agent; an empty line is none
    Agents,
    /// A referrer's address
    Referrers,
    /// A request, as a JSON object
    Requests,
}

/// Why it was not done.
enum Stop {
    /// So many lines were wrong, and told; of so many.
    Data(u64, u64),
    /// Anything else.
    Failure(Failure),
}

/// Classifies. The exit code is 65 where a line could not be read; the others are answered all the same.
pub fn main(flags: &Flags, args: &ClassifyArgs) -> ExitCode {
    match run(flags, args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Stop::Data(bad, lines)) => {
            eprintln!("error: {bad} of {lines} lines were refused");
            BAD_DATA.into()
        }
        Err(Stop::Failure(failure)) => failure.report(),
    }
}

fn run(flags: &Flags, args: &ClassifyArgs) -> Result<(), Stop> {
    if args.together && args.kind != Kind::Requests {
        let told = "--together needs whole requests: an agent or a referrer alone has no time";
        return Err(Stop::Failure(Failure::Config(told.into())));
    }
    let config = flags.load().map_err(Stop::Failure)?;
    let enricher = Enricher::open(&config.databases)
        .map_err(|error| Stop::Failure(Failure::Config(error.to_string())))?;
    let classifier = Classifier {
        enricher,
        cookies: config.redirector.cookies.clone(),
        kind: args.kind,
    };
    let mut lines = Lines::new(source(args)?);
    let mut out = BufWriter::new(io::stdout().lock());
    let done = if args.together {
        classifier.together(&mut lines, &mut out)
    } else {
        classifier.each(&mut lines, &mut out)
    };
    let done = done.and_then(|()| out.flush());
    match done {
        Ok(()) if lines.refused() == 0 => Ok(()),
        Ok(()) => Err(Stop::Data(lines.refused(), lines.count())),
        // Whoever reads has seen enough: `whence classify | head`.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(Stop::Failure(Failure::Runtime(error.to_string()))),
    }
}

fn source(args: &ClassifyArgs) -> Result<Box<dyn BufRead>, Stop> {
    match &args.file {
        Some(path) if path.as_os_str() != "-" => {
            let file = File::open(path).map_err(|error| {
                let told = format!("{}: {error}", path.display());
                Stop::Failure(Failure::Runtime(told))
            })?;
            Ok(Box::new(BufReader::new(file)))
        }
        _ => Ok(Box::new(io::stdin().lock())),
    }
}

/// What lines are judged with.
struct Classifier {
    enricher: Enricher,
    cookies: Cookies,
    kind: Kind,
}

impl Classifier {
    /// Each line for itself.
    fn each(&self, lines: &mut Lines<impl BufRead>, out: &mut impl Write) -> io::Result<()> {
        while let Some(line) = lines.next()? {
            let request = match self.read(line.text) {
                Ok(request) => request,
                Err(told) => {
                    let told = told.at(line.number);
                    lines.refuse(&told);
                    continue;
                }
            };
            let click = request.click(line.number);
            let seen = self.enricher.see_alone(&click, request.confirmed);
            self.tell(line.number, &request, &seen, out)?;
        }
        Ok(())
    }

    /// All lines as one traffic.
    fn together(&self, lines: &mut Lines<impl BufRead>, out: &mut impl Write) -> io::Result<()> {
        let mut requests = Vec::new();
        while let Some(line) = lines.next()? {
            let number = line.number;
            if requests.len() == TOGETHER {
                let told =
                    format!("line {number}: --together looks at {TOGETHER} requests at most");
                return Err(io::Error::new(io::ErrorKind::InvalidInput, told));
            }
            match self.read(line.text) {
                Ok(request) if request.confirmed => {
                    let told = "confirmed: with --together nothing is known of it yet";
                    lines.refuse(&Told::from(told.to_owned()).at(number));
                }
                Ok(request) => requests.push((number, request)),
                Err(told) => lines.refuse(&told.at(number)),
            }
        }
        let clicks: Vec<_> = requests
            .iter()
            .map(|(number, request)| request.click(*number))
            .collect();
        let seen = self.enricher.see_all(clicks.iter());
        for ((number, request), seen) in requests.iter().zip(&seen) {
            self.tell(*number, request, seen, out)?;
        }
        Ok(())
    }

    fn read(&self, text: &str) -> Result<Request, Told> {
        match self.kind {
            Kind::Agents => Ok(Request::of_agent(text)),
            Kind::Referrers => Ok(Request::of_referrer(text)),
            Kind::Requests => Request::read(text, &self.cookies),
        }
    }

    fn tell(
        &self,
        number: u64,
        request: &Request,
        seen: &Seen,
        out: &mut impl Write,
    ) -> io::Result<()> {
        let click = request.click(number);
        let row = seen.row(&click, 1, number);
        let told = told::Answer::new(self.kind, number, seen.verdict(), &row);
        serde_json::to_writer(&mut *out, &told)?;
        out.write_all(b"\n")
    }
}
