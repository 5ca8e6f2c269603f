//! Parameters in a `multipart/form-data` body, which is how the official `clickhouse` crate sends the
//! values of placeholders. Files in it, which a server takes for external tables, are refused.

use http_body_util::BodyDataStream;
use hyper::body::Incoming;
use multer::{Constraints, Multipart, SizeLimit};

use super::Request;
use crate::engine::exception::Exception;

/// The server's `http_max_request_param_data_size`.
const LARGEST: u64 = 10 << 20;

impl Request {
    /// Reads the fields as if they stood in the URL.
    pub(in crate::engine) async fn read_form(
        &mut self,
        boundary: String,
        body: Incoming,
    ) -> Result<(), Exception> {
        let unreadable = |error: multer::Error| {
            Exception::bad_arguments(format!("the body is no form that can be read: {error}"))
        };
        let bounds = Constraints::new().size_limit(SizeLimit::new().whole_stream(LARGEST));
        let mut form = Multipart::with_constraints(BodyDataStream::new(body), boundary, bounds);
        let mut packed_response = true;
        while let Some(field) = form.next_field().await.map_err(unreadable)? {
            let name = field.name().unwrap_or_default().to_owned();
            if field.file_name().is_some() {
                return Err(Exception::not_implemented(format!(
                    "external tables (the file '{name}' in the form) are not supported by the embedded ClickHouse"
                )));
            }
            let value = field.bytes().await.map_err(unreadable)?.to_vec();
            self.parameter(name.as_bytes(), value, &mut packed_response)?;
        }
        if !packed_response {
            self.response_coding = None;
        }
        Ok(())
    }
}
