//! A server that is measured, as the load sees it.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, Result};
use tokio_rustls::TlsConnector;

use crate::edge::Edge;
use crate::load::browser::Browser;
use crate::load::requests::Requests;
use crate::load::{Aim, END_OF_HEAD, Way};
use crate::server::Server;

/// A server that is measured.
pub(super) struct Subject<'s> {
    /// The process whose CPU time counts.
    pub(super) server: &'s Server,
    /// Where it answers.
    pub(super) address: SocketAddr,
    /// Where it answers encrypted.
    pub(super) tls_address: Option<SocketAddr>,
    /// What its answers end with.
    pub(super) tail: &'static [u8],
}

impl<'s> From<&'s Edge> for Subject<'s> {
    fn from(edge: &'s Edge) -> Self {
        Self {
            server: &edge.server,
            address: edge.address,
            tls_address: edge.tls_address,
            tail: END_OF_HEAD,
        }
    }
}

impl Subject<'_> {
    /// How the load comes to it.
    pub(super) fn aim(&self, way: Way, connector: &TlsConnector) -> Result<Arc<Aim>> {
        let (address, tls) = match way {
            Way::KeepAlive | Way::NewConnection => (self.address, None),
            Way::Tls => {
                let address = self.tls_address;
                let address = address.with_context(|| format!("{} has no TLS", self.server.name()));
                (address?, Some(connector.clone()))
            }
        };
        Ok(Arc::new(Aim {
            address,
            way,
            tls,
            tail: self.tail,
        }))
    }

    /// How a browser comes to it that keeps its connection.
    pub(super) fn plain_aim(&self) -> Arc<Aim> {
        Arc::new(Aim {
            address: self.address,
            way: Way::KeepAlive,
            tls: None,
            tail: self.tail,
        })
    }

    /// Its whole answer to the first click of a visitor, on a connection that is kept.
    pub(super) async fn answer(&self, requests: &Arc<Requests>) -> Result<String> {
        let aim = self.plain_aim();
        let mut browser = Browser::new(requests.script(0, aim.way), aim);
        browser
            .click()
            .await
            .with_context(|| format!("the first answer of {}", self.server.name()))?;
        Ok(String::from_utf8(browser.answer().to_vec())?)
    }
}
