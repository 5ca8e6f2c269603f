//! The door: what stands between a socket and HTTP.
//!
//! Listeners, the PROXY protocol, TLS, how many connections a client may hold, and how long anybody may
//! take. Nothing here knows a request; how often clients may ask is `limits`'.

mod certificates;
mod crowd;
mod descriptors;
mod listeners;
mod patience;
mod proxy;
mod stream;
mod tls;

pub(crate) use crowd::Crowd;
pub(crate) use descriptors::affordable;
pub(crate) use listeners::{Listeners, bind, refuse_new};
pub(crate) use patience::{Over, Patience, Stage, Watch};
pub(crate) use proxy::read_header;
pub(crate) use stream::Stream;
pub(crate) use tls::Tls;
