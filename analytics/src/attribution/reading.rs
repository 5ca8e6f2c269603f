//! Asks ClickHouse for the conversions that are meant and for what led to each, for attribution and for paths.

use axum::http::StatusCode;
use clickhouse::query::Query as Statement;
use whence_core::problem::Problem;

use super::journeys::{Click, Conversion, Journeys};
use super::question::{MOST, Touching};
use super::report::sql;
use crate::api::Api;
use crate::problems::field;
use crate::query::filter::{Predicate, without_comments};
use crate::query::period::clock;
use crate::reports::beside::beside;
use crate::reports::range::Range;
use crate::reports::warehouse::Read;

/// What is told where work broke off.
pub(crate) const UNFINISHED: &str = "the report was not worked out to its end";

const CONVERSIONS: &str = sql!(
    "reports/open.sql",
    "reports/recorded.sql",
    "attribution/conversions.sql"
);
const CARRIED: &str = sql!(
    "reports/open.sql",
    "carried/every.sql",
    "attribution/theirs.sql",
    "attribution/carried.sql"
);
const VISITED: &str = sql!(
    "reports/open.sql",
    "carried/every.sql",
    "attribution/theirs.sql",
    "attribution/visited.sql"
);

/// The conversions that are asked for, with what led to each; only clicks that the predicate holds of are touches.
pub(crate) async fn journeys(
    api: &Api,
    touching: &Touching,
    predicate: &Predicate,
) -> Result<(Journeys, Read), Problem> {
    let put = |statement| touching.put(statement);
    let put_passing = |statement| passing(touching, predicate, statement);
    let (of_carried, of_visited) = (passed(CARRIED, predicate), passed(VISITED, predicate));
    let (warehouse, of) = (&api.warehouse, &touching.workspace);
    let conversions = warehouse.ask_text::<Conversion>(of, "attribution", CONVERSIONS, put);
    let carried = warehouse.ask_text::<Click>(of, "attribution_carried", &of_carried, put_passing);
    let visited = warehouse.ask_text::<Click>(of, "attribution_visited", &of_visited, put_passing);
    let ((conversions, read), (carried, read_of_carried), (visited, read_of_visited)) =
        tokio::try_join!(conversions, carried, visited)?;
    if conversions.len() as u64 > MOST {
        let detail = format!("the range has more than {MOST} conversions; ask for a shorter one");
        return Err(field(StatusCode::UNPROCESSABLE_ENTITY, "from", detail));
    }
    let look_back_ms = touching.look_back.as_ms();
    let together = beside(UNFINISHED, move || {
        Journeys::new(conversions, carried, visited, look_back_ms)
    });
    let journeys = together.await?.map_err(|_| {
        let detail = "the conversions of the range have too many touches; ask for a shorter one";
        field(StatusCode::UNPROCESSABLE_ENTITY, "from", detail)
    })?;
    Ok((journeys, read + read_of_carried + read_of_visited))
}

/// A statement in which the predicate stands where `PASSES` does.
pub(crate) fn passed(text: &str, predicate: &Predicate) -> String {
    without_comments(text).replace("PASSES", &predicate.text)
}

/// Gives such a statement its parameters.
pub(crate) fn passing(
    touching: &Touching,
    predicate: &Predicate,
    statement: Statement,
) -> Statement {
    let Range { from, to, zone } = &touching.range;
    // Touches may be from before the range, and what a conversion carries from any time.
    let (shifts, offsets) = clock(&Range {
        from: jiff::Timestamp::UNIX_EPOCH,
        to: (*to).max(*from),
        zone: zone.clone(),
    });
    let statement = predicate.put(touching.put(statement));
    statement
        .param("shifts", &shifts)
        .param("offsets", &offsets)
}
