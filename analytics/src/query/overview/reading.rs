//! What all statements of one range have in common. What they ask is in [`super::count`] and [`super::clicks`].

use clickhouse::query::Query as Statement;
use clickhouse::{RowOwned, RowRead};
use whence_core::problem::Problem;

use super::super::dimension::Dimension;
use super::question::Overview;
use super::statement::Statements;
use crate::api::Api;
use crate::reports::range::Range;
use crate::reports::warehouse::Read;

/// What a range is counted with.
pub(super) struct Reading<'a> {
    pub(super) api: &'a Api,
    pub(super) overview: &'a Overview,
    pub(super) statements: Statements<'a>,
    pub(super) range: &'a Range,
    /// Where intervals begin, in seconds.
    pub(super) edges: &'a [i64],
    pub(super) dimensions: &'a [Dimension],
    /// The values that are shown, by part, where they are told.
    pub(super) wanted: Option<&'a [(u8, String)]>,
}

impl Reading<'_> {
    /// Asks one of the statements.
    pub(super) async fn ask<T: RowOwned + RowRead>(
        &self,
        name: &'static str,
        text: &str,
        put: impl FnOnce(Statement) -> Statement,
    ) -> Result<(Vec<T>, Read), Problem> {
        let workspace = &self.overview.series.workspace;
        self.api
            .warehouse
            .ask_text(workspace, name, text, put)
            .await
    }
}
