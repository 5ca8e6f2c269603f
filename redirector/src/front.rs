//! HTTP on a connection: bytes in, a request for [`way`](crate::way), its answer as bytes out.
//!
//! What is answered is not decided here.

mod cookies;
mod hyper;

pub(crate) use cookies::CookieLines;
pub(crate) use hyper::serve;
