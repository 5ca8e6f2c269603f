//! `GET /p.gif`: a conversion as an image in a page or a mail, where no script runs.
//!
//! The answer is always an image, so that no page shows a broken one; what is wrong stands in a header. And
//! it comes soon, whatever is behind us: a page does not wait for our database. What takes longer goes on
//! without it.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use whence_core::conversion::ConversionSource;
use whence_core::problem::Problem;

use super::{Shared, receive};
use crate::conversion::check::Names;
use crate::fields::form::Form;

const NAMES: Names = Names {
    workspace: Some("ws"),
    kind: "event",
    click_id: "wcid",
    ignored: &["cb"],
    is_server: false,
};

/// One transparent pixel.
const GIF: &[u8; 43] = b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff\
    \x21\xf9\x04\x01\x00\x00\x00\x00\x2c\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02\x44\x01\x00\x3b";

/// How long a page waits at most. Usually an answer takes some milliseconds.
const SOON: Duration = Duration::from_millis(500);

/// Says what is wrong, as `field: detail`.
const ERROR: HeaderName = HeaderName::from_static("whence-error");
/// The longest that is said.
const LONGEST_ERROR: usize = 256;

/// Takes a conversion. A HEAD asks for the image and tells nothing.
pub(super) async fn receive(
    State(shared): State<Arc<Shared>>,
    method: Method,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    if method == Method::HEAD {
        return image(StatusCode::OK);
    }
    let Ok(turn) = Arc::clone(&shared.pixels).try_acquire_owned() else {
        let problem = Problem::unavailable("too many pixels at a time", 5);
        receive::count_problem(&shared, ConversionSource::Pixel, &problem);
        return answer(Err(problem));
    };
    // On a task of its own, which goes on when the page has its image.
    let working = tokio::spawn(async move {
        let result = take(&shared, &headers, &query.unwrap_or_default()).await;
        receive::count(&shared, ConversionSource::Pixel, &result);
        drop(turn);
        result
    });
    match tokio::time::timeout(SOON, working).await {
        Ok(Ok(result)) => answer(result),
        Ok(Err(error)) => {
            tracing::error!(%error, "taking a pixel");
            answer(Err(Problem::unavailable("internal error", 5)))
        }
        // Not a promise: it may still turn out to be wrong, or find no room.
        Err(_) => image(StatusCode::ACCEPTED),
    }
}

fn answer(result: Result<Response, Problem>) -> Response {
    match result {
        Ok(accepted) => {
            let mut response = image(StatusCode::OK);
            if let Some(replayed) = accepted.headers().get(receive::REPLAYED) {
                response
                    .headers_mut()
                    .insert(receive::REPLAYED, replayed.clone());
            }
            response
        }
        Err(problem) => {
            let mut response = image(match problem.status() {
                // Whoever reads these knows what to do with them; the rest is a bad URL.
                status @ (StatusCode::CONFLICT | StatusCode::SERVICE_UNAVAILABLE) => status,
                _ => StatusCode::BAD_REQUEST,
            });
            response
                .headers_mut()
                .insert(ERROR, printable(problem.detail()));
            response
        }
    }
}

async fn take(shared: &Shared, headers: &HeaderMap, query: &str) -> Result<Response, Problem> {
    let form = Form::from_query(query);
    receive::from_browser(shared, form, &NAMES, headers, ConversionSource::Pixel).await
}

fn image(status: StatusCode) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "image/gif"),
        (header::CACHE_CONTROL, "no-store"),
        // Pages that isolate themselves may still show it.
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "cross-origin",
        ),
    ];
    (status, headers, GIF.as_slice()).into_response()
}

/// A text that cannot end a header, whatever the sender put into it.
fn printable(text: &str) -> HeaderValue {
    let safe: String = text
        .chars()
        .take(LONGEST_ERROR)
        .map(|c| {
            if c == ' ' || c.is_ascii_graphic() {
                c
            } else {
                '?'
            }
        })
        .collect();
    HeaderValue::from_str(&safe).expect("printable ASCII is a header's value")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_text_ends_a_header(text in ".{0,400}|[\\r\\n a-z:]{0,20}") {
            let value = printable(&text);
            prop_assert!(value.len() <= LONGEST_ERROR);
            prop_assert!(value.as_bytes().iter().all(|b| (0x20..0x7f).contains(b)));
        }
    }
}
