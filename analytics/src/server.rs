//! Analytics as a whole: checks its configuration, binds its ports, serves, drains.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use whence_core::admin::{self, Readiness};
use whence_core::config::{Analytics, Config};
use whence_core::service::{RunError, Service, StartError, listen};
use whence_core::store::LinkStore;
use whence_core::{serve, telemetry};

use crate::api::Api;
use crate::bandit::Bandit;
use crate::metrics::Metrics;
use crate::router;

/// How often keys that have been quiet are forgotten.
const TIDY_EVERY: Duration = Duration::from_secs(1);

/// An analytics server that has bound its ports and not yet answered.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    admin: TcpListener,
    admin_address: SocketAddr,
    api: Arc<Api>,
    bandit: Option<Bandit>,
    registry: prometheus_client::registry::Registry,
    drain: Duration,
}

impl Service for Server {
    const NAME: &'static str = "analytics";

    async fn bind(config: &Config, store: Arc<dyn LinkStore>) -> Result<Self, StartError> {
        let settings = &config.analytics;
        check(config).map_err(StartError::Config)?;
        let (listener, address) = listen("analytics.listen", settings.listen).await?;
        let (admin, admin_address) = listen("analytics.admin", settings.admin).await?;
        let mut registry = telemetry::registry("analytics");
        let metrics = Metrics::register(&mut registry);
        Ok(Self {
            listener,
            address,
            admin,
            admin_address,
            bandit: Bandit::new(config, Arc::clone(&store), metrics.clone()),
            api: Arc::new(Api::new(config, store, metrics)),
            registry,
            drain: Duration::from_millis(settings.drain_ms),
        })
    }

    fn address(&self) -> SocketAddr {
        self.address
    }

    fn admin_address(&self) -> SocketAddr {
        self.admin_address
    }

    async fn run(
        self,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), RunError> {
        let ready = Readiness::default();
        let stop = CancellationToken::new();

        // Dropped, and so ended, with this call.
        let mut side = JoinSet::new();
        side.spawn(tidy(Arc::clone(&self.api)));
        if let Some(bandit) = self.bandit {
            side.spawn(bandit.run());
        }
        side.spawn({
            let (ready, stop) = (ready.clone(), stop.clone());
            async move {
                shutdown.await;
                ready.set(false);
                stop.cancel();
            }
        });

        ready.set(true);
        let app = router::app(self.api);
        tokio::select! {
            () = serve::serve(self.listener, app, stop, self.drain) => Ok(()),
            broken = admin::serve(self.admin, self.registry, ready) => broken.map_err(RunError::Admin),
        }
    }
}

/// What each key alone cannot say.
fn check(config: &Config) -> Result<(), String> {
    let Analytics {
        query_timeout_ms,
        query_memory_mib,
        queries_at_a_time,
        ..
    } = config.analytics;
    for (key, value) in [
        ("query_timeout_ms", query_timeout_ms),
        ("query_memory_mib", query_memory_mib),
        ("queries_at_a_time", queries_at_a_time.into()),
    ] {
        if value == 0 {
            return Err(format!("analytics.{key} must be at least 1"));
        }
    }
    let url = &config.clickhouse.url;
    match url::Url::parse(url) {
        Ok(parsed) if parsed.scheme() == "http" && parsed.has_host() => Ok(()),
        Ok(_) => Err(format!("clickhouse.url must be an http URL, not {url:?}")),
        Err(error) => Err(format!("clickhouse.url: {error}: {url:?}")),
    }
}

async fn tidy(api: Arc<Api>) {
    loop {
        tokio::time::sleep(TIDY_EVERY).await;
        api.tidy();
    }
}
