//! `whence up`: everything on one machine, in one process and one child.
//!
//! Starts the parts in the order in which they need each other and stops them in the order in which
//! data flows, so that the last click is in ClickHouse when the engine goes. What a part does is its
//! own crate's business.

mod first;
mod secrets;
mod welcome;

pub use secrets::{SecretsError, ensure as ensure_secrets};

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use whence_core::config::{self, Config, Scheme};
use whence_core::process::{self, Failure};
use whence_core::service::{RunError, Service};
use whence_core::{clickhouse, store};

use crate::engine::{Supervisor, SupervisorOptions};

/// Runs everything until Ctrl-C or SIGTERM.
pub async fn up(mut config: Config) -> Result<(), Failure> {
    let engine = start_engine(&mut config).await?;
    let client = clickhouse::client(&config.clickhouse);
    let applied = clickhouse::migrate(&client, &config.clickhouse.database)
        .await
        .map_err(Failure::runtime)?;
    let retained = clickhouse::retain(&client, &config.retention)
        .await
        .map_err(Failure::runtime)?;
    tracing::info!(?applied, ?retained, "database is ready");

    let store = store::open(&config.store_url())
        .await
        .map_err(Failure::runtime)?;
    let first = first::workspace(&config, &*store).await?;

    let ingest = whence_ingest::Server::bind(&config, Arc::clone(&store)).await?;
    config.redirector.ingest = vec![url_of(ingest.address())];
    // The edge writes short URLs too, into QR codes and previews, so that it has to know before it binds;
    // a port that is still to be found is known to the API alone.
    let port = config.redirector.listen.port();
    if port != 0 {
        show_local_urls(&mut config.analytics, port);
    }
    let redirector = whence_redirector::Server::bind(&config, Arc::clone(&store)).await?;
    show_local_urls(&mut config.analytics, redirector.address().port());
    let analytics = whence_analytics::Server::bind(&config, Arc::clone(&store)).await?;
    let addresses = welcome::Addresses {
        redirector: url_of(redirector.address()),
        ingest: url_of(ingest.address()),
        analytics: url_of(analytics.address()),
        clickhouse: config.clickhouse.url.clone(),
    };

    let mut redirector = Part::start(redirector);
    let mut ingest = Part::start(ingest);
    let mut analytics = Part::start(analytics);
    print!("{}", welcome::page(&config, &addresses, &first));

    let ended = tokio::select! {
        () = process::shutdown() => Ok(()),
        failed = redirector.ended() => Err(failed),
        failed = ingest.ended() => Err(failed),
        failed = analytics.ended() => Err(failed),
    };
    eprintln!("stopping: answering what is under way, and storing what is journalled …");
    let stopped = [
        redirector.stop().await,
        ingest.stop().await,
        analytics.stop().await,
    ];
    if let Some(engine) = engine {
        engine.stop().await;
    }
    ended?;
    stopped.into_iter().collect::<Result<(), _>>()?;
    eprintln!("stopped; everything is in {}", config.data_dir().display());
    Ok(())
}

/// Until somebody says how visitors reach the redirector, short URLs show the way that works on this
/// machine: plain HTTP at the redirector's own port.
fn show_local_urls(analytics: &mut config::Analytics, port: u16) {
    let default = config::Analytics::default();
    if (analytics.short_url_scheme, analytics.short_url_port)
        == (default.short_url_scheme, default.short_url_port)
    {
        analytics.short_url_scheme = Scheme::Http;
        analytics.short_url_port = port;
    }
}

/// The engine, unless the configuration names a ClickHouse of its own.
async fn start_engine(config: &mut Config) -> Result<Option<Supervisor>, Failure> {
    if !config.embedded.clickhouse {
        return Ok(None);
    }
    let options = SupervisorOptions::of(config).map_err(Failure::runtime)?;
    let engine = Supervisor::start(options).await.map_err(Failure::runtime)?;
    config.clickhouse.url = engine.wait_ready().await.map_err(Failure::runtime)?;
    Ok(Some(engine))
}

/// A service that runs in this process.
struct Part {
    name: &'static str,
    stop: oneshot::Sender<()>,
    /// None once its end was heard.
    running: Option<JoinHandle<Result<(), RunError>>>,
}

impl Part {
    fn start<S: Service>(service: S) -> Self {
        let (stop, stopped) = oneshot::channel();
        let running = tokio::spawn(service.run(async {
            // Dropped or sent, it means the same.
            let _ = stopped.await;
        }));
        Self {
            name: S::NAME,
            stop,
            running: Some(running),
        }
    }

    /// Waits for an end that nobody asked for.
    async fn ended(&mut self) -> Failure {
        let Some(running) = &mut self.running else {
            return std::future::pending().await;
        };
        let result = running.await;
        self.running = None;
        match result {
            Ok(Ok(())) => Failure::Runtime(format!("{} stopped by itself", self.name)),
            Ok(Err(error)) => Failure::Runtime(format!("{}: {error}", self.name)),
            Err(panic) => Failure::Runtime(format!("{}: {panic}", self.name)),
        }
    }

    async fn stop(self) -> Result<(), Failure> {
        let _ = self.stop.send(());
        match self.running {
            Some(running) => Ok(running.await.map_err(Failure::runtime)??),
            None => Ok(()),
        }
    }
}

/// How this machine itself reaches what listens there.
pub(crate) fn url_of(address: SocketAddr) -> String {
    let ip = match address.ip() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    format!("http://{}", SocketAddr::new(ip, address.port()))
}
