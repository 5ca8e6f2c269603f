//! What a lane says of itself: right numbers, every gap once it was taken, and nothing held up by it.

use whence_core::account::{Gap, GapReason, MOST_GAPS};
use whence_core::ship::DeliverError;

use crate::support::{Other, Running, append, lane, quick, until};

#[tokio::test]
async fn an_account_has_the_numbers_and_says_what_was_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (mut writer, reader) = lane(dir.path());
    let id = writer.lane().to_string();
    let other = Other::new(|_| Ok(()));
    *other.takes_accounts.lock().unwrap() = false;
    let running = Running::start(reader, &other, quick());
    append(&mut writer, 0, 3);
    for _ in 0..2 {
        writer.append(&[0; 2000]).unwrap_err();
    }
    append(&mut writer, 5, 8);
    // Nobody takes accounts: clicks go on.
    until("all arrived", || other.payloads().len() == 6).await;
    *other.takes_accounts.lock().unwrap() = true;
    until("the account tells all", || {
        let accounts = other.accounts.lock().unwrap();
        accounts.last().is_some_and(|account| account.freed == 8)
    })
    .await;
    running.stop().await;
    let accounts = other.accounts.lock().unwrap();
    let last = accounts.last().unwrap();
    assert_eq!((last.taken, last.freed), (8, 8));
    assert_eq!(
        (&last.lane, &*last.service, &*last.name),
        (&id, "redirector", "lane-0")
    );
    assert!(!last.node.is_empty());
    let gaps: Vec<&Gap> = accounts.iter().flat_map(|account| &account.gaps).collect();
    assert_eq!(gaps.len(), 1, "told once: {gaps:?}");
    assert_eq!((gaps[0].first, gaps[0].last), (4, 5));
    assert_eq!(gaps[0].reason, GapReason::Refused);
}

#[tokio::test]
async fn a_lane_with_nothing_in_it_says_so_at_once_and_at_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let (mut writer, reader) = lane(dir.path());
    let other = Other::new(|_| Ok(()));
    let settings = whence_core::ship::Settings {
        report: std::time::Duration::from_secs(600),
        ..quick()
    };
    let running = Running::start(reader, &other, settings);
    until("the first comes at once", || {
        !other.accounts.lock().unwrap().is_empty()
    })
    .await;
    append(&mut writer, 0, 5);
    running.stop().await;
    let accounts = other.accounts.lock().unwrap();
    let said: Vec<_> = accounts.iter().map(|it| (it.taken, it.freed)).collect();
    assert_eq!(said, [(0, 0), (5, 5)], "the last after the drain");
}

#[tokio::test]
async fn many_gaps_come_in_several_accounts_and_damage_is_told_from_refusal() {
    let dir = tempfile::tempdir().unwrap();
    let (mut writer, reader) = lane(dir.path());
    let count = 2 * MOST_GAPS as u64 + 10;
    // Nothing else in a segment looks like it.
    let payload = |n: u64| (n | 1 << 60).to_le_bytes();
    for n in 0..count {
        writer.append(&[0; 2000]).unwrap_err();
        writer.append(&payload(n)).unwrap();
    }
    drop((writer, reader));
    // One record in the middle is damaged.
    let segment = dir.path().join("lane-0/00000000000000000001.seg");
    let mut bytes = std::fs::read(&segment).unwrap();
    let at = bytes.windows(8).position(|it| it == payload(500));
    let at = at.unwrap();
    bytes[at] ^= 1;
    std::fs::write(&segment, bytes).unwrap();
    let (_writer, reader) = lane(dir.path());
    let other = Other::new(|_| Ok(()));
    let running = Running::start(reader, &other, quick());
    until("all arrived", || other.payloads().len() as u64 == count - 1).await;
    running.stop().await;
    let accounts = other.accounts.lock().unwrap();
    assert!(
        accounts
            .iter()
            .all(|account| account.gaps.len() <= MOST_GAPS)
    );
    let gaps: Vec<&Gap> = accounts.iter().flat_map(|account| &account.gaps).collect();
    assert_eq!(gaps.len() as u64, count - 1);
    let damaged = gaps.iter().find(|gap| gap.reason == GapReason::Damaged);
    // The damaged record is number 1002, between two that were refused.
    assert_eq!(damaged.map(|gap| (gap.first, gap.last)), Some((1001, 1003)));
}

#[tokio::test]
async fn accounts_go_out_while_blocks_do_not() {
    let dir = tempfile::tempdir().unwrap();
    let (mut writer, reader) = lane(dir.path());
    let other = Other::new(|_| Err(DeliverError::Retry("away".into())));
    let running = Running::start(reader, &other, quick());
    append(&mut writer, 0, 5);
    until("what waits is told", || {
        let accounts = other.accounts.lock().unwrap();
        accounts
            .last()
            .is_some_and(|it| (it.taken, it.freed) == (5, 0))
    })
    .await;
    other.answers(|_| Ok(()));
    running.stop().await;
}
