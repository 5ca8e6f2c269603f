//! Clicks that conversions carry are copied for the reports, behind the conversions, whichever comes first.

use whence_core::click::Click;
use whence_core::id::ClickId;
use whence_core::test_support::Engine;

use crate::support::{Collector, Lane, click, minted_at, number, wait_for};

const COPIES: &str = "SELECT count() FROM carried_clicks FINAL";

#[tokio::test(flavor = "multi_thread")]
async fn what_conversions_carry_is_copied_soon() {
    let engine = Engine::migrated().await;
    let client = engine.client();
    let collector = Collector::start(&engine.config()).await;
    let mut lane = Lane::new();
    let at = click().unix_ms;
    let ids = [0, 1, 2].map(|after| minted_at(at + after));
    let mut stored = async |ids: &[ClickId]| {
        for id in ids {
            lane.append(&Click { id: *id, ..click() });
        }
        let block = lane.seal();
        assert_eq!(collector.block(block.wire().clone()).await.status, 200);
    };
    let convert = async |event: &str, id| {
        let body = format!(r#"{{"event_id":"{event}","kind":"lead","click_id":"{id}"}}"#);
        let got = collector.convert(&body).await;
        assert_eq!(got.status, 200, "{got:?}");
    };
    stored(&ids[..2]).await;
    convert("first", ids[0]).await;
    convert("early", ids[2]).await;
    wait_for(&client, COPIES, 1).await;
    // One whose click comes later is copied with the next.
    stored(&ids[2..]).await;
    convert("again", ids[0]).await;
    wait_for(&client, COPIES, 2).await;
    let others = "SELECT count() FROM carried_clicks WHERE click_id NOT IN (SELECT click_id FROM conversions)";
    assert_eq!(number(&client, others).await, 0);
}
