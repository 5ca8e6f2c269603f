//! The redirector as a whole: binds its ports, opens its journal, starts its threads, drains them.

use std::convert::Infallible;
use std::future::{Future, pending};
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use whence_core::admin::{self, Readiness};
use whence_core::agent::Agents;
use whence_core::config::{Config, Redirector};
use whence_core::id::Minter;
use whence_core::journal::{self, LaneReader, LaneWriter, Poisoned};
use whence_core::place::{self, Occasion, Places};
use whence_core::process::{self, Hangups};
use whence_core::service::{RunError, Service, StartError, listen};
use whence_core::ship::{self, Records, Settings, ShipMetrics, Shipping};
use whence_core::store::LinkStore;
use whence_core::telemetry;

use crate::caps::Caps;
use crate::deliver::Ingest;
use crate::door::{Crowd, Listeners, Tls, affordable, bind};
use crate::front::CookieLines;
use crate::limits::Limits;
use crate::locked::Lock;
use crate::metrics::{self, Counters};
use crate::record::Recorder;
use crate::resolve::Resolver;
use crate::short::ShortUrls;
use crate::warm;
use crate::way::{Shared, Way};
use crate::worker::{self, Door};

/// A redirector that has bound its ports and not yet answered.
pub struct Server {
    addresses: Addresses,
    admin: tokio::net::TcpListener,
    admin_address: SocketAddr,
    door: Arc<Door>,
    threads: Vec<(Listeners, Way)>,
    readers: Vec<LaneReader>,
    ingest: Arc<Ingest>,
    resolver: Arc<Resolver>,
    store: Arc<dyn LinkStore>,
    shared: Arc<Shared>,
    broken: mpsc::Receiver<Poisoned>,
    hangups: Hangups,
}

/// Where clicks are answered.
#[derive(Clone, Copy)]
struct Addresses {
    /// Over plain HTTP.
    plain: Option<SocketAddr>,
    /// Over HTTPS.
    tls: Option<SocketAddr>,
}

impl Server {
    /// Where it answers over HTTPS.
    #[must_use]
    pub fn tls_address(&self) -> Option<SocketAddr> {
        self.addresses.tls
    }
}

impl Service for Server {
    const NAME: &'static str = "redirector";

    async fn bind(config: &Config, store: Arc<dyn LinkStore>) -> Result<Self, StartError> {
        let settings = &config.redirector;
        let key = config.click_id_key().map_err(StartError::Config)?;
        let ingest =
            Ingest::new(&settings.ingest, &config.ingest.token).map_err(StartError::Config)?;
        let agents = Agents::open(&config.databases)
            .map_err(|error| StartError::Config(error.to_string()))?;
        let places = Places::open(&config.databases)
            .map_err(|error| StartError::Config(error.to_string()))?;
        let count = thread_count(settings);

        let dir = config.journal_dir(&settings.journal, "redirector");
        let files = process::raise_open_files();
        let (writers, readers) = open_lanes(&dir, settings, count)?;
        let connections = affordable(settings, readers.len(), count, files);

        let door = Arc::new(open_door(settings)?);
        let (addresses, listeners) = bind_all(settings, count)?;
        let (admin, admin_address) = listen("redirector.admin", settings.admin).await?;

        let resolver = Arc::new(Resolver::new(&store, &settings.cache));
        let (report, broken) = mpsc::channel(1);
        let shared = Arc::new(Shared {
            config: settings.clone(),
            cookies: CookieLines::new(&settings.cookies),
            resolver: Arc::clone(&resolver),
            limits: Limits::new(settings),
            caps: Caps::new(Arc::clone(&store)),
            lock: Lock::new(&key, settings.cookies.secure),
            agents,
            places,
            short: ShortUrls::new(&config.analytics),
            connections_per_thread: (connections / usize::from(count)).max(1),
            broken: report,
        });
        let minters = Minter::for_threads(&key, count);
        let threads = listeners
            .into_iter()
            .zip(writers.into_iter().zip(minters))
            .map(|(listener, (lane, minter))| {
                let way = Way {
                    shared: Arc::clone(&shared),
                    counters: Arc::new(Counters::default()),
                    recorder: Recorder::new(lane, minter).into(),
                };
                (listener, way)
            })
            .collect();
        Ok(Self {
            addresses,
            admin,
            admin_address,
            door,
            threads,
            readers,
            ingest: Arc::new(ingest),
            resolver,
            store,
            shared,
            broken,
            hangups: process::hangups(),
        })
    }

    fn address(&self) -> SocketAddr {
        // A configuration that binds neither was refused.
        let Addresses { plain, tls } = self.addresses;
        plain.or(tls).expect("one of them is bound")
    }

    fn admin_address(&self) -> SocketAddr {
        self.admin_address
    }

    async fn run(
        mut self,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), RunError> {
        let drain = Duration::from_millis(self.shared.config.drain_ms);
        let ready = Readiness::default();
        let mut registry = telemetry::registry("redirector");
        let counters = self
            .threads
            .iter()
            .map(|(_, way)| Arc::clone(&way.counters))
            .collect();
        metrics::register(
            &mut registry,
            counters,
            Arc::clone(&self.resolver),
            Arc::clone(&self.store),
        );
        let ship_metrics = ShipMetrics::register(&mut registry);

        // What lives as long as the server, and is dropped with it.
        let mut side = JoinSet::new();
        side.spawn(Arc::clone(&self.resolver).follow(self.store.changes()));
        let cache = &self.shared.config.cache;
        let warm = warm::begin(&mut side, &self.resolver, &self.store, cache);
        side.spawn(tidy(Arc::clone(&self.shared)));
        let (door, shared) = (Arc::clone(&self.door), Arc::clone(&self.shared));
        side.spawn(place::watch(self.hangups, move |occasion| {
            refresh(&door, &shared, occasion);
        }));
        let serving_admin = admin::serve(self.admin, registry, ready.clone());
        side.spawn(async move {
            if let Err(error) = serving_admin.await {
                tracing::error!(%error, "the admin port stopped");
            }
        });

        let stop_shipping = CancellationToken::new();
        let mut shippers = JoinSet::new();
        let clicks = Shipping {
            service: Self::NAME,
            records: Records::Clicks,
            sink: self.ingest,
            metrics: ship_metrics,
            settings: Settings::default(),
        };
        for reader in self.readers {
            let stop = stop_shipping.clone();
            shippers.spawn(ship::run(reader, clicks.clone(), stop, drain));
        }

        let stop_serving = CancellationToken::new();
        let (ends, mut ended) = mpsc::channel(1);
        let mut handles = Vec::new();
        for (number, (listeners, way)) in self.threads.into_iter().enumerate() {
            let stop = stop_serving.clone();
            let end = End(ends.clone());
            let door = Arc::clone(&self.door);
            let handle = thread::Builder::new()
                .name(format!("redirect-{number}"))
                .spawn(move || {
                    let _end = end;
                    worker::serve(listeners, way, door, &stop, drain)
                })
                .map_err(RunError::Thread)?;
            handles.push(handle);
        }

        let broken = tokio::select! {
            () = shutdown => Ok(()),
            never = become_ready(warm, &ready) => match never {},
            Some(cause) = self.broken.recv() => Err(RunError::Journal(cause)),
            // Without one of its threads it would serve part of its connections, and say it is well.
            _ = ended.recv() => Ok(()),
            Some(shipped) = shippers.join_next() => shipped
                .map_err(|panic| RunError::Thread(io::Error::other(panic)))
                .and_then(|shipped| shipped.map_err(RunError::Ship)),
        };
        ready.set(false);
        stop_serving.cancel();
        let joined = tokio::task::spawn_blocking(|| join(handles)).await;
        stop_shipping.cancel();
        while let Some(shipped) = shippers.join_next().await {
            if let Ok(Err(error)) = shipped {
                tracing::error!(%error, "a journal lane could not be shipped");
            }
        }
        broken?;
        joined
            .unwrap_or_else(|error| Err(io::Error::other(error)))
            .map_err(RunError::Thread)
    }
}

/// Tells that a serving thread is gone, however it went.
struct End(mpsc::Sender<()>);

impl Drop for End {
    fn drop(&mut self) {
        // The first to end says it for all.
        let _ = self.0.try_send(());
    }
}

/// Says that it is ready once it is warm, and stays so.
async fn become_ready(warm: impl Future<Output = ()>, ready: &Readiness) -> Infallible {
    warm.await;
    ready.set(true);
    pending().await
}

/// One second apart, as the limits ask for.
async fn tidy(shared: Arc<Shared>) {
    loop {
        tokio::time::sleep(Duration::from_secs(1)).await;
        shared.limits.tidy();
    }
}

/// Reads places anew when there is a reason to, and certificates when the process is told to.
fn refresh(door: &Door, shared: &Shared, occasion: Occasion) {
    shared.places.refresh(occasion);
    if occasion == Occasion::Passing {
        return;
    }
    let Some(tls) = &door.tls else {
        tracing::info!("there are no certificates to be read again");
        return;
    };
    match tls.reload() {
        Ok(count) => tracing::info!(count, "certificates were read again"),
        Err(error) => tracing::error!(%error, "the certificates stay as they were"),
    }
}

fn join(handles: Vec<JoinHandle<io::Result<()>>>) -> io::Result<()> {
    handles.into_iter().try_for_each(|handle| {
        handle
            .join()
            .unwrap_or_else(|_| Err(io::Error::other("it panicked")))
    })
}

fn thread_count(settings: &Redirector) -> u8 {
    match settings.threads {
        0 => thread::available_parallelism().map_or(1, |cores| cores.get().min(255) as u8),
        count => count,
    }
}

/// One lane for each thread. Lanes of an earlier start with more threads are read to their end.
fn open_lanes(
    dir: &Path,
    settings: &Redirector,
    count: u8,
) -> Result<(Vec<LaneWriter>, Vec<LaneReader>), StartError> {
    let failed = |source| StartError::JournalDir {
        path: dir.to_owned(),
        source,
    };
    std::fs::create_dir_all(dir).map_err(failed)?;
    let wanted: Vec<PathBuf> = (0..count).map(|n| dir.join(format!("lane-{n}"))).collect();
    let mut lanes = wanted.clone();
    for entry in std::fs::read_dir(dir).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let path = entry.path();
        // Whatever else lies there (a volume's lost+found) is not ours.
        let is_lane = entry.file_name().to_string_lossy().starts_with("lane-");
        if is_lane && path.is_dir() && !lanes.contains(&path) {
            lanes.push(path);
        }
    }
    let (mut writers, mut readers) = (Vec::new(), Vec::new());
    for path in lanes {
        let (writer, reader) = journal::open(&path, settings.journal.lane_options())?;
        readers.push(reader);
        if wanted.contains(&path) {
            writers.push(writer);
        }
    }
    Ok((writers, readers))
}

/// Opens what all threads share at the door.
fn open_door(settings: &Redirector) -> Result<Door, StartError> {
    let wrong = |fault: String| StartError::Config(format!("redirector.tls.{fault}"));
    let tls = match (&settings.tls.listen, &settings.tls.certificates) {
        (None, _) if settings.tls.only => {
            return Err(wrong("only: needs redirector.tls.listen".into()));
        }
        (None, _) => None,
        (Some(_), None) => return Err(wrong("certificates: must name a folder".into())),
        (Some(_), Some(folder)) => {
            let tls = Tls::open(folder);
            Some(tls.map_err(|error| wrong(format!("certificates: {error}")))?)
        }
    };
    Ok(Door {
        tls,
        crowd: Crowd::new(settings.max_connections_per_client),
    })
}

/// Binds the ports, with a listener of each kind for each thread.
fn bind_all(settings: &Redirector, count: u8) -> Result<(Addresses, Vec<Listeners>), StartError> {
    let bound = |key, address: Option<SocketAddr>| {
        let bound = address.map(|address| bind(key, address, count));
        bound.transpose().map(Option::unzip)
    };
    let listen = (!settings.tls.only).then_some(settings.listen);
    let (plain, plain_listeners) = bound("redirector.listen", listen)?;
    let (tls, tls_listeners) = bound("redirector.tls.listen", settings.tls.listen)?;
    let mut plain_listeners = plain_listeners.into_iter().flatten();
    let mut tls_listeners = tls_listeners.into_iter().flatten();
    let listeners = (0..count).map(|_| Listeners {
        plain: plain_listeners.next(),
        tls: tls_listeners.next(),
    });
    Ok((Addresses { plain, tls }, listeners.collect()))
}
