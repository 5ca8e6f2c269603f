//! The installation that is crashed: Redis, ClickHouse's engine, two ingests, two redirectors, each a process of
//! its own, and a line that can be broken between any two that speak with each other.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use hyper::StatusCode;
use jiff::Timestamp;
use tokio::process::Command;
use tokio::time::sleep;
use whence_core::key::{self, ApiKey, KeyHash, Right};
use whence_core::store;

use super::database::Database;
use super::parts::{Between, NODES, Part};
use super::place::{self, Place};
use super::process::{Process, Recipe};
use super::proxy::{Line, Trouble};
use crate::http;
use crate::links::{self, Kind};

/// Links that are clicked on.
pub(super) const LINKS: u32 = 64;
/// What the engine asks for.
const PASSWORD: &str = "a crash's password";
/// How long anything may take to be ready on a machine that is busy.
const READY: Duration = Duration::from_secs(90);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(50);

/// What a command has said.
pub(super) struct Said {
    /// Whether it ended well.
    pub(super) succeeded: bool,
    /// Its result.
    pub(super) out: String,
    /// What else it wrote.
    pub(super) err: String,
}

/// The installation.
pub(super) struct Fleet {
    processes: Vec<Process>,
    lines: Vec<(Between, Line)>,
    admins: Vec<(Part, SocketAddr)>,
    redis: SocketAddr,
    /// ClickHouse, asked without any line between.
    pub(super) database: Database,
    /// Where visitors find each redirector.
    pub(super) visitors: Vec<SocketAddr>,
    /// Where merchants find each ingest.
    pub(super) merchants: Vec<SocketAddr>,
    /// What merchants show.
    pub(super) key: String,
    /// The id of each link.
    pub(super) links: Vec<u64>,
    /// How often each part was killed.
    pub(super) kills: u64,
    /// What was not meant to happen.
    pub(super) surprises: Vec<String>,
    whence: PathBuf,
    settings: Vec<String>,
    client: http::Client,
    // Dropped last: the processes write there.
    pub(super) place: Place,
}

impl Fleet {
    /// Starts everything in `place`, with a line between any two. Processes of Whence are started with `clock`, a
    /// library that steps their clocks, where it is installed.
    pub(super) async fn start(place: Place, clock: Option<&PathBuf>) -> Result<Self> {
        let lines = Between::all();
        let addresses = place::addresses(2 + 4 * NODES + lines.len())?;
        let (parts, line_addresses) = addresses.split_at(2 + 4 * NODES);
        let [redis, clickhouse] = [parts[0], parts[1]];
        let ingest = |node: usize| parts[2 + node];
        let redirector = |node: usize| parts[2 + NODES + node];
        let ingest_admin = |node: usize| parts[2 + 2 * NODES + node];
        let redirector_admin = |node: usize| parts[2 + 3 * NODES + node];
        let line_at = |between: Between| {
            let place = lines.iter().position(|line| *line == between);
            line_addresses[place.expect("it is one of all")]
        };

        let whence = place.program("whence", "whence-embedded")?;
        let dir = |path: &str| place.dir.join(path).display().to_string();
        let recipe = |part: Part, program: PathBuf, args: Vec<String>| Recipe {
            name: part.name(),
            program,
            args,
            environment: Vec::new(),
            log: place.dir.join("logs").join(format!("{}.log", part.name())),
        };
        let shared = |node: usize| {
            vec![
                format!("data_dir={}", dir("data")),
                "click_id_key=00112233445566778899aabbccddeeff".into(),
                format!("clickhouse.password={PASSWORD}"),
                "ingest.token=a crash's token".into(),
                format!("clickhouse.url=http://{}", line_at(Between::Rows(node))),
            ]
        };
        let ingest_recipe = |node: usize| -> Result<Recipe> {
            let mut settings = shared(node);
            settings.extend([
                format!("store.url=redis://{}", line_at(Between::Keys(node))),
                format!("ingest.listen={}", ingest(node)),
                format!("ingest.admin={}", ingest_admin(node)),
                format!(
                    "ingest.journal.dir={}",
                    dir(&format!("journals/ingest-{node}"))
                ),
                "ingest.journal.segment_megabytes=1".into(),
                "ingest.drain_ms=3000".into(),
            ]);
            let program = place.program("whence-ingest", "whence-ingest")?;
            Ok(recipe(Part::Ingest(node), program, flags(&settings)))
        };
        let redirector_recipe = |node: usize| -> Result<Recipe> {
            let blocks = (0..NODES).map(|other| {
                // Each begins with another one.
                let other = (node + other) % NODES;
                format!("http://{}", line_at(Between::Blocks(node, other)))
            });
            let mut settings = shared(node);
            settings.extend([
                format!("store.url=redis://{}", line_at(Between::Links(node))),
                format!("redirector.listen={}", redirector(node)),
                format!("redirector.admin={}", redirector_admin(node)),
                format!("redirector.ingest={}", blocks.collect::<Vec<_>>().join(",")),
                format!(
                    "redirector.journal.dir={}",
                    dir(&format!("journals/redirector-{node}"))
                ),
                "redirector.journal.segment_megabytes=1".into(),
                "redirector.drain_ms=3000".into(),
                // An answer without a record would be a loss by choice.
                "redirector.on_full=refuse".into(),
                "redirector.client_rate=0".into(),
            ]);
            let program = place.program("whence-redirector", "whence-redirector")?;
            Ok(recipe(Part::Redirector(node), program, flags(&settings)))
        };
        let redis_args = [
            "--port",
            &redis.port().to_string(),
            "--bind",
            "127.0.0.1",
            "--dir",
            &dir("redis"),
        ];
        // Written before each answer: a killed Redis keeps what it acknowledged.
        let durable = ["--appendonly", "yes", "--save", ""];
        let redis_args = redis_args
            .iter()
            .chain(&durable)
            .map(|arg| (*arg).to_owned());
        let engine_args = [
            "clickhouse",
            "--path",
            &dir("clickhouse/data"),
            "--listen",
            &clickhouse.to_string(),
        ];
        let engine_args = engine_args.iter().map(|arg| (*arg).to_owned());
        let mut engine = recipe(Part::ClickHouse, whence.clone(), engine_args.collect());
        engine
            .environment
            .push(("WHENCE_CLICKHOUSE__PASSWORD".into(), PASSWORD.into()));
        let mut recipes = vec![
            recipe(Part::Redis, "redis-server".into(), redis_args.collect()),
            engine,
        ];
        for node in 0..NODES {
            recipes.push(ingest_recipe(node)?);
        }
        for node in 0..NODES {
            recipes.push(redirector_recipe(node)?);
        }
        if let Some(library) = clock {
            for (part, recipe) in Part::ALL.iter().zip(&mut recipes) {
                if matches!(part, Part::Ingest(_) | Part::Redirector(_)) {
                    let file = super::clock::file_of(&place, *part);
                    std::fs::write(&file, "+0\n")?;
                    recipe
                        .environment
                        .extend(super::clock::environment(library, &file));
                }
            }
        }

        let mut connected = Vec::new();
        for between in &lines {
            let to = match *between {
                Between::Visitor(node) => redirector(node),
                Between::Merchant(node) => ingest(node),
                Between::Links(_) | Between::Keys(_) => redis,
                Between::Blocks(_, other) => ingest(other),
                Between::Rows(_) => clickhouse,
            };
            let line = Line::new(line_at(*between), to).await;
            connected.push((*between, line.with_context(|| format!("{between:?}"))?));
        }
        let mut settings = shared(0);
        settings.push(format!("store.url=redis://{redis}"));
        settings.push(format!("clickhouse.url=http://{clickhouse}"));
        let of_all = |address: &dyn Fn(usize) -> SocketAddr| (0..NODES).map(address).collect();
        let mut fleet = Self {
            processes: recipes.into_iter().map(Process::new).collect(),
            lines: connected,
            admins: (0..NODES)
                .flat_map(|node| {
                    [
                        (Part::Ingest(node), ingest_admin(node)),
                        (Part::Redirector(node), redirector_admin(node)),
                    ]
                })
                .collect(),
            redis,
            database: Database::new(clickhouse, PASSWORD),
            visitors: of_all(&|node| line_at(Between::Visitor(node))),
            merchants: of_all(&|node| line_at(Between::Merchant(node))),
            key: String::new(),
            links: Vec::new(),
            kills: 0,
            surprises: Vec::new(),
            whence,
            settings: flags(&settings),
            client: http::client(),
            place,
        };
        fleet.begin().await?;
        Ok(fleet)
    }

    /// From nothing to an installation that answers.
    async fn begin(&mut self) -> Result<()> {
        self.run_up(&[Part::Redis, Part::ClickHouse]).await?;
        let migrated = self.whence(&["migrate"]).await?;
        if !migrated.succeeded {
            bail!("whence migrate: {}", migrated.err);
        }
        let store = store::open(&format!("redis://{}", self.redis)).await?;
        links::make(&store, 0..LINKS, Kind::Labelled).await?;
        for number in 0..LINKS {
            let link = store
                .link_at(links::DOMAIN, &links::slug_text(number))
                .await?;
            self.links.push(link.context("a link that was made")?.id.0);
        }
        let text = key::generate();
        let key = ApiKey {
            workspace: links::workspace(),
            name: "crash".into(),
            rights: vec![Right::Conversions],
            created_at: Timestamp::now(),
        };
        store.put_key(KeyHash::of(text.expose()), &key).await?;
        self.key = text.expose().to_owned();
        self.run_up(&Part::ALL).await
    }

    async fn run_up(&mut self, parts: &[Part]) -> Result<()> {
        for part in parts {
            self.launch(*part)?;
        }
        self.until_ready(parts).await
    }

    /// Runs the command `whence` with this configuration.
    pub(super) async fn whence(&self, args: &[&str]) -> Result<Said> {
        let output = Command::new(&self.whence)
            .args(args)
            .args(&self.settings)
            .kill_on_drop(true)
            .output()
            .await?;
        Ok(Said {
            succeeded: output.status.success(),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }

    /// Starts a part, unless it runs.
    pub(super) fn launch(&mut self, part: Part) -> Result<()> {
        self.processes[part.index()].start()
    }

    /// `kill -9`.
    pub(super) fn kill(&mut self, part: Part) -> Result<()> {
        self.notice()?;
        if self.processes[part.index()].kill()? {
            self.kills += 1;
        }
        Ok(())
    }

    /// SIGSTOP, and SIGCONT where `held` is false.
    pub(super) fn hold(&self, part: Part, held: bool) -> Result<()> {
        self.processes[part.index()].hold(held)
    }

    /// SIGTERM, and waits until it has ended as it should.
    pub(super) async fn stop(&mut self, part: Part) -> Result<()> {
        self.notice()?;
        let process = &mut self.processes[part.index()];
        match process.stop(Duration::from_secs(30)).await? {
            Some(status) if status.success() => {}
            Some(status) => self
                .surprises
                .push(format!("{} stopped with {status}", part.name())),
            None => self
                .surprises
                .push(format!("{} did not stop within 30 s", part.name())),
        }
        Ok(())
    }

    /// Writes down what has ended by itself, and starts it again.
    pub(super) fn notice(&mut self) -> Result<()> {
        for process in &mut self.processes {
            if let Some(status) = process.ended()? {
                let surprise = format!("{} ended by itself: {status}", process.name());
                eprintln!("{surprise}");
                self.surprises.push(surprise);
                process.start()?;
            }
        }
        Ok(())
    }

    /// The line between two.
    pub(super) fn line(&self, between: Between) -> &Line {
        let found = self.lines.iter().find(|(line, _)| *line == between);
        &found.expect("every line is there").1
    }

    /// No line has any trouble from now on.
    pub(super) fn mend_lines(&self) {
        for (_, line) in &self.lines {
            line.set(Trouble::None);
        }
    }

    /// What a part has written until now.
    pub(super) fn log(&self, part: Part) -> String {
        self.processes[part.index()].log()
    }

    /// Waits until every one of these parts answers.
    pub(super) async fn until_ready(&mut self, parts: &[Part]) -> Result<()> {
        let start = Instant::now();
        for part in parts {
            while !self.is_ready(*part).await {
                self.notice()?;
                if start.elapsed() > READY {
                    bail!("{} was not ready within {} s", part.name(), READY.as_secs());
                }
                sleep(LOOK).await;
            }
        }
        Ok(())
    }

    async fn is_ready(&self, part: Part) -> bool {
        match part {
            Part::Redis => tokio::net::TcpStream::connect(self.redis).await.is_ok(),
            Part::ClickHouse => self.database.number("SELECT 1").await.is_ok(),
            Part::Ingest(_) | Part::Redirector(_) => {
                let of = |(of, _): &&(Part, SocketAddr)| *of == part;
                let (_, admin) = self.admins.iter().find(of).expect("it has one");
                let url = format!("http://{admin}/readyz");
                let asked = http::get(&self.client, &url);
                let answered = tokio::time::timeout(Duration::from_secs(2), asked).await;
                matches!(answered, Ok(Ok(answer)) if answer.status == StatusCode::OK)
            }
        }
    }
}

fn flags(settings: &[String]) -> Vec<String> {
    let flag = |setting: &String| ["--set".to_owned(), setting.clone()];
    settings.iter().flat_map(flag).collect()
}
