//! What ingest's answers mean: whether a block has arrived, may arrive later, or never will.

use hyper::Uri;
use hyper::header::CONTENT_TYPE;
use hyper::http::response::Parts;
use whence_core::ship::DeliverError;

/// What is read of an answer that says why not.
pub(super) const LONGEST_REASON: usize = 4096;

/// What one address said.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It has arrived.
    Taken,
    /// Not now, or not here.
    Later(String),
    /// Here never: what is wrong lies in what was sent.
    Never(String),
}

impl Verdict {
    /// The meaning of an answer.
    ///
    /// Only what ingest itself says of what was sent is final, in its own words. A proxy that finds a body too
    /// large says so in words of its own; a wrong token or path, a full ingest and an older one
    /// (426) are all mended without a change to what was sent.
    pub(super) fn of(uri: &Uri, head: &Parts, text: &str) -> Self {
        if head.status.is_success() {
            return Self::Taken;
        }
        let is_ingest = head
            .headers
            .get(CONTENT_TYPE)
            .is_some_and(|it| it.as_bytes().starts_with(b"application/problem+json"));
        let reason = format!("{uri}: {}: {}", head.status, text.trim());
        match head.status.as_u16() {
            400 | 413 | 422 if is_ingest => Self::Never(reason),
            _ => Self::Later(reason),
        }
    }
}

/// What all addresses said, one after another.
#[derive(Debug, Default)]
pub(super) struct Round {
    later: Vec<String>,
    never: Vec<String>,
}

impl Round {
    /// Takes note of an answer.
    pub(super) fn heard(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::Taken => {}
            Verdict::Later(reason) => self.later.push(reason),
            Verdict::Never(reason) => self.never.push(reason),
        }
    }

    /// What they say together, when none has taken it.
    pub(super) fn outcome(self) -> DeliverError {
        match (self.never.as_slice(), self.later.as_slice()) {
            ([], later) => DeliverError::Retry(later.join("; ")),
            (never, []) => DeliverError::Refused(never.join("; ")),
            (never, later) => {
                DeliverError::Disputed(format!("{}; {}", never.join("; "), later.join("; ")))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use hyper::Response;

    use super::*;

    fn verdict(status: u16, media_type: &str) -> Verdict {
        let answer = Response::builder()
            .status(status)
            .header(CONTENT_TYPE, media_type);
        let (head, ()) = answer.body(()).unwrap().into_parts();
        Verdict::of(&Uri::from_static("http://ingest/v1/blocks"), &head, "why")
    }

    #[test]
    fn only_ingests_own_word_on_the_block_is_final() {
        let ours = "application/problem+json";
        assert_eq!(verdict(200, ours), Verdict::Taken);
        for status in [400, 413, 422] {
            assert!(
                matches!(verdict(status, ours), Verdict::Never(_)),
                "{status}"
            );
            let proxy = verdict(status, "text/html");
            assert!(matches!(proxy, Verdict::Later(_)), "{status}");
        }
        for status in [301, 401, 403, 404, 405, 408, 426, 429, 500, 502, 503] {
            assert!(
                matches!(verdict(status, ours), Verdict::Later(_)),
                "{status}"
            );
        }
    }

    #[test]
    fn a_round_is_a_refusal_only_when_all_refuse() {
        let round = |verdicts: [Verdict; 2]| {
            let mut round = Round::default();
            verdicts.into_iter().for_each(|it| round.heard(it));
            round.outcome()
        };
        let (later, never) = (|| Verdict::Later("l".into()), || Verdict::Never("n".into()));
        assert!(matches!(round([later(), later()]), DeliverError::Retry(_)));
        assert!(matches!(
            round([never(), never()]),
            DeliverError::Refused(_)
        ));
        assert!(matches!(
            round([later(), never()]),
            DeliverError::Disputed(_)
        ));
    }
}
