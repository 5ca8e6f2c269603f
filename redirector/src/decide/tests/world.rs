//! A link on a domain, and a request to it.

use std::net::IpAddr;
use std::sync::{Arc, LazyLock};

use jiff::Timestamp;
use serde_json::json;
use whence_core::agent::Agents;
use whence_core::click::Method;
use whence_core::config::{Analytics, Cookies, Databases};
use whence_core::domain::Domain;
use whence_core::id::{ClickId, LinkId, VisitorId};
use whence_core::link::{Link, LinkSpec};
use whence_core::place::Places;
use whence_core::test_support::place_database;
use whence_core::workspace::Workspace;

use crate::answer::{Answer, Page, Redirect};
use crate::cache::Stamp;
use crate::decide::{Ask, Decision, Facts, Insight, Room, Verdict, decide, inspect};
use crate::request::{Asked, Reading};
use crate::resolve::{Place, Site};
use crate::short::ShortUrls;
use crate::target::Target;

pub(super) const CLICK: ClickId = ClickId(61);
pub(super) const STRANGER: VisitorId = VisitorId(99);
pub(super) const CHROME: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36";
pub(super) const IPHONE: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.1 Mobile/15E148 Safari/604.1";
pub(super) const ANDROID: &str = "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Mobile Safari/537.36";
pub(super) const FACEBOOK: &str = "facebookexternalhit/1.1";
pub(super) const GOOGLEBOT: &str =
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)";

static AGENTS: LazyLock<Agents> =
    LazyLock::new(|| Agents::open(&Databases::default()).expect("npm ci has brought the list"));

static PLACES: LazyLock<Places> = LazyLock::new(|| {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let path = dir.path().join("places.mmdb");
    let munich = json!({"country": {"iso_code": "DE"}, "subdivisions": [{"iso_code": "BY"}], "continent": {"code": "EU"}});
    let japan = json!({"country": {"iso_code": "JP"}});
    let networks = [
        ("198.51.100.0/24".parse().expect("a network"), munich),
        ("203.0.113.0/24".parse().expect("a network"), japan),
    ];
    place_database(&path, &networks);
    let config = Databases {
        places: Some(path),
        ..Databases::default()
    };
    Places::open(&config).expect("just written")
});

static SHORT: LazyLock<ShortUrls> = LazyLock::new(|| ShortUrls::new(&Analytics::default()));

/// A request.
#[derive(Clone)]
pub(super) struct Sent<'a> {
    pub(super) method: Method,
    pub(super) path: &'a str,
    pub(super) query: &'a str,
    pub(super) client: &'a str,
    pub(super) headers: Vec<(&'a str, &'a str)>,
}

impl Default for Sent<'_> {
    fn default() -> Self {
        Self {
            method: Method::Get,
            path: "/x",
            query: "",
            client: "192.0.2.1",
            headers: Vec::new(),
        }
    }
}

impl<'a> Sent<'a> {
    pub(super) fn by(agent: &'a str) -> Self {
        Self::with(&[("user-agent", agent)])
    }

    pub(super) fn with(headers: &[(&'a str, &'a str)]) -> Self {
        Self {
            headers: headers.to_vec(),
            ..Self::default()
        }
    }

    fn read<T>(&self, look: impl FnOnce(&Asked<'_>) -> T) -> T {
        let cookies = Cookies::default();
        let client: IpAddr = self.client.parse().expect("an address");
        let mut reading = Reading::new(client, &[], &cookies);
        for (name, value) in &self.headers {
            reading.header(name.as_bytes(), value.as_bytes());
        }
        look(&reading.finish(self.method, self.path, self.query, None))
    }

    fn facts<T>(
        &self,
        adjust: impl FnOnce(&mut Facts<'_>),
        look: impl FnOnce(&Asked<'_>, &Facts<'_>) -> T,
    ) -> T {
        self.read(|asked| {
            let mut facts = Facts {
                now: time("2026-11-15T12:00:00Z"),
                click: CLICK,
                short: &SHORT,
                password: None,
                room: Room::Unknown,
                insight: Insight::new(asked, &AGENTS, &PLACES, || STRANGER),
            };
            adjust(&mut facts);
            look(asked, &facts)
        })
    }

    /// Decides with further facts.
    pub(super) fn verdict<'p>(
        &self,
        place: &'p Place,
        adjust: impl FnOnce(&mut Facts<'_>),
    ) -> Verdict<'p> {
        self.facts(adjust, |asked, facts| decide(asked, place, facts))
    }

    /// Decides what needs no further facts.
    pub(super) fn decided<'p>(&self, place: &'p Place) -> Decision<'p> {
        self.verdict(place, |_| ()).expect("nothing to find out")
    }

    /// Where it is sent, and that it is.
    pub(super) fn location(&self, place: &Place) -> String {
        redirect(self.decided(place)).location
    }

    /// The `+` page.
    pub(super) fn inspected<'p>(
        &self,
        place: &'p Place,
        adjust: impl FnOnce(&mut Facts<'_>),
    ) -> Result<Decision<'p>, Ask> {
        self.facts(adjust, |asked, facts| inspect(asked, place, facts))
    }
}

/// A link at `x`, from its JSON without the destination, which is `https://shop.example/`.
pub(super) fn spec(json: serde_json::Value) -> LinkSpec {
    let mut all = json!({"destination": "https://shop.example/"});
    let all_fields = all.as_object_mut().expect("an object");
    all_fields.extend(json.as_object().expect("an object").clone());
    let spec: LinkSpec = serde_json::from_value(all).expect("a spec");
    let allowed = ["myapp".parse().expect("a scheme")];
    assert_eq!(spec.check(&allowed), [], "a spec that the API would take");
    spec
}

/// The place of a link with this spec.
pub(super) fn place(json: serde_json::Value) -> Place {
    place_of(spec(json), |_, _| ())
}

/// The place of a link, its workspace and domain adjusted.
pub(super) fn place_of(spec: LinkSpec, adjust: impl FnOnce(&mut Workspace, &mut Domain)) -> Place {
    learned(spec, Vec::new(), adjust)
}

/// The place of a link whose variants' weights reports have found.
pub(super) fn learned(
    spec: LinkSpec,
    learned_weights: Vec<u32>,
    adjust: impl FnOnce(&mut Workspace, &mut Domain),
) -> Place {
    let mut workspace = Workspace::new("acme".parse().expect("an id"), "Acme");
    let mut domain = Domain::new("go.example".parse().expect("a host"), workspace.id.clone());
    adjust(&mut workspace, &mut domain);
    let link = Link {
        id: LinkId(1),
        workspace: workspace.id.clone(),
        domain: domain.host.clone(),
        slug: "x".parse().expect("a slug"),
        spec,
        learned_weights,
        revision: 1,
        created_at: Timestamp::UNIX_EPOCH,
        updated_at: Timestamp::UNIX_EPOCH,
    };
    Place {
        site: Some(Arc::new(Site { domain, workspace })),
        target: Some(Target::new(link, 1, Stamp::default())),
        stale: false,
        prefix: None,
    }
}

/// The same host without a link.
pub(super) fn without_link(place: Place) -> Place {
    Place {
        target: None,
        ..place
    }
}

pub(super) fn time(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

pub(super) fn redirect(decision: Decision<'_>) -> Redirect {
    match decision.answer {
        Answer::Redirect(redirect) => redirect,
        Answer::Page(page) => panic!("{page:?}"),
    }
}

pub(super) fn page(decision: Decision<'_>) -> Page {
    match decision.answer {
        Answer::Page(page) => page,
        Answer::Redirect(redirect) => panic!("{redirect:?}"),
    }
}

pub(super) fn html(decision: Decision<'_>) -> String {
    String::from_utf8(page(decision).body.to_vec()).expect("pages are text")
}
