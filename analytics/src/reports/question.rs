//! What every report is asked: which time, whose traffic, which clicks.

use std::str::FromStr;

use axum::http::StatusCode;
use clickhouse::query::Query as Statement;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use utoipa::IntoParams;
use whence_core::id::LinkId;
use whence_core::key::Right;
use whence_core::problem::Problem;
use whence_core::workspace::{Workspace, WorkspaceId};

use super::range::{Moment, Range};
use crate::api::Api;
use crate::door::Caller;
use crate::fields::Query;
use crate::problems::field;
use crate::workspace;

/// Whose clicks count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Traffic {
    /// Those judged human.
    #[default]
    Human,
    /// Every redirected click, bots and previews too.
    All,
}

impl Traffic {
    /// The name by which it is asked for.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Human => "human",
            Self::All => "all",
        }
    }
}

impl FromStr for Traffic {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "human" => Ok(Self::Human),
            "all" => Ok(Self::All),
            _ => Err("must be human or all"),
        }
    }
}

/// The parameters that every report takes.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Common {
    /// Where the range begins: a day in the workspace's time zone such as 2026-11-01, or an instant such
    /// as 2026-11-01T12:00:00Z. 30 days with the last one where it is left out.
    #[param(value_type = Option<String>)]
    from: Option<Moment>,
    /// Where the range ends: a day, which is included, or an instant, which is not. Today where it is
    /// left out.
    #[param(value_type = Option<String>)]
    to: Option<Moment>,
    /// `human` (the default), or `all` for bots and previews too.
    #[param(value_type = Option<String>)]
    traffic: Traffic,
    /// Only clicks of this channel.
    channel: Option<String>,
    /// Only clicks of this source.
    source: Option<String>,
    /// Only clicks of the link with this id.
    #[param(value_type = Option<String>)]
    link: Option<LinkId>,
}

impl Common {
    /// Takes the common parameters out of a query.
    pub(super) fn read(query: &mut Query) -> Self {
        Self {
            from: query.optional("from"),
            to: query.optional("to"),
            traffic: query.optional("traffic").unwrap_or_default(),
            channel: query.optional("channel"),
            source: query.optional("source"),
            link: query.read("link", |text| {
                text.parse::<LinkId>()
                    .map_err(|error| format!("is no link's id: it {error}"))
            }),
        }
    }

    /// The question, in the caller's workspace and its time zone.
    pub(super) async fn resolve(self, api: &Api, caller: &Caller) -> Result<Question, Problem> {
        let id = caller.with(Right::Reports)?;
        let workspace = workspace::find(api, id).await?;
        let zone = zone_of(&workspace)?;
        let range = Range::new(self.from, self.to, zone, Timestamp::now())
            .map_err(|backwards| field(StatusCode::BAD_REQUEST, "from", backwards))?;
        Ok(Question {
            workspace: workspace.id,
            time_zone: workspace.time_zone,
            range,
            traffic: self.traffic,
            channel: self.channel,
            source: self.source,
            link: self.link,
        })
    }
}

/// The zone in which a workspace's days are cut.
pub(crate) fn zone_of(workspace: &Workspace) -> Result<TimeZone, Problem> {
    workspace::zone(&workspace.time_zone).ok_or_else(|| {
        let detail = format!(
            "the workspace's time zone {:?} is not known",
            workspace.time_zone
        );
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, detail)
    })
}

/// A question that can be put to ClickHouse.
#[derive(Debug)]
pub(super) struct Question {
    /// Whose clicks.
    pub(super) workspace: WorkspaceId,
    /// The name of the range's zone.
    pub(super) time_zone: String,
    /// From when to when.
    pub(super) range: Range,
    /// Whose clicks count.
    pub(super) traffic: Traffic,
    channel: Option<String>,
    source: Option<String>,
    link: Option<LinkId>,
}

impl Question {
    /// Gives a statement the parameters of `sql/reports/selected.sql`.
    pub(super) fn put(&self, statement: Statement) -> Statement {
        let all = u8::from(self.traffic == Traffic::All);
        statement
            .param("workspace", self.workspace.as_str())
            .param("from_ms", self.range.from.as_millisecond())
            .param("to_ms", self.range.to.as_millisecond())
            .param("all_traffic", all)
            .param("channels", Vec::from_iter(&self.channel))
            .param("sources", Vec::from_iter(&self.source))
            .param("links", Vec::from_iter(self.link.map(|link| link.0)))
    }
}
