//! What was set aside of a person in the journals of this machine: found, and made unrecognisable.

use whence_core::click::Click;
use whence_core::confirmation::Confirmation;
use whence_core::conversion::Conversion;
use whence_core::erased::{ErasedEvents, StandIns};
use whence_core::journal::{Block, BlockId};
use whence_core::page_event::PageEvent;
use whence_core::process::Failure;
use whence_core::ship::Records;
use whence_core::wire;

use super::Ids;
use crate::journal::{Lane, blocks};

/// Takes up what conversions that were set aside say of a person; whether any of it is new.
pub(crate) fn gather(lanes: &[Lane], ids: &mut Ids) -> Result<bool, Failure> {
    let mut is_new = false;
    for found in blocks(lanes)? {
        let records = found.records();
        if !matches!(records, Records::Conversions | Records::PageEvents) {
            continue;
        }
        for (_, payload) in found.read()?.records() {
            is_new |= take_up(payload, records, ids);
        }
    }
    Ok(is_new)
}

/// Takes up what a record of a person names; whether any of it is new.
fn take_up(payload: &[u8], records: Records, ids: &mut Ids) -> bool {
    match records {
        Records::Conversions => {
            let conversion = wire::decode::<Conversion>(payload).ok();
            let theirs = conversion.filter(|it| ids.has_conversion(it));
            theirs.is_some_and(|it| ids.take_up(&it))
        }
        Records::PageEvents => {
            let event = wire::decode::<PageEvent>(payload).ok();
            let theirs = event.filter(|it| ids.has_page_event(it));
            theirs.is_some_and(|it| ids.take_up_page_event(&it))
        }
        Records::Clicks | Records::Confirmations => false,
    }
}

/// How many records of a person a block has.
pub(crate) fn count(block: &Block, records: Records, ids: &Ids) -> u64 {
    let theirs = block
        .records()
        .filter(|(_, payload)| is_theirs(payload, records, ids));
    theirs.count() as u64
}

/// Whether a record is the person's, or names them. What cannot be read is told by whoever looks for its bytes.
fn is_theirs(payload: &[u8], records: Records, ids: &Ids) -> bool {
    match records {
        Records::Clicks => wire::decode::<Click<'_>>(payload).is_ok_and(|it| ids.has_click(&it)),
        Records::Conversions => {
            let conversion = wire::decode::<Conversion>(payload);
            conversion.is_ok_and(|it| ids.has_conversion(&it) || ids.is_named_by(&it))
        }
        Records::Confirmations => {
            wire::decode::<Confirmation>(payload).is_ok_and(|it| ids.has_confirmation(&it))
        }
        Records::PageEvents => wire::decode::<PageEvent>(payload)
            .is_ok_and(|it| ids.has_page_event(&it) || ids.page_event_names(&it)),
    }
}

/// Whether a record is the person's own. What only names them is another person's.
pub(crate) fn belongs(payload: &[u8], records: Records, ids: &Ids) -> bool {
    match records {
        Records::Conversions => {
            wire::decode::<Conversion>(payload).is_ok_and(|it| ids.has_conversion(&it))
        }
        Records::PageEvents => {
            wire::decode::<PageEvent>(payload).is_ok_and(|it| ids.has_page_event(&it))
        }
        Records::Clicks | Records::Confirmations => is_theirs(payload, records, ids),
    }
}

/// Makes the person's records in all blocks unrecognisable, and answers which blocks that changed.
pub(crate) fn erase(
    lanes: &[Lane],
    ids: &Ids,
    stand_ins: &StandIns,
    events: &ErasedEvents,
) -> Result<Vec<BlockId>, Failure> {
    let mut changed = Vec::new();
    for found in blocks(lanes)? {
        let (block, records) = (found.read()?, found.records());
        if count(&block, records, ids) == 0 {
            continue;
        }
        let block = block.rewritten(|_, payload| {
            is_theirs(payload, records, ids)
                .then(|| unrecognisable(payload, records, ids, stand_ins, events))
        });
        // The reason may quote what stood in it.
        let replaced = found.lane.aside.replace(&block, "erased");
        replaced.map_err(Failure::runtime)?;
        changed.push(block.id());
    }
    Ok(changed)
}

fn unrecognisable(
    payload: &[u8],
    records: Records,
    ids: &Ids,
    stand_ins: &StandIns,
    events: &ErasedEvents,
) -> Vec<u8> {
    const READ: &str = "it was read a moment ago";
    let mut bytes = Vec::with_capacity(payload.len());
    match records {
        Records::Clicks => {
            let click = wire::decode::<Click<'_>>(payload).expect(READ);
            wire::encode(&stand_ins.of_click(&click), &mut bytes);
        }
        Records::Conversions => {
            let conversion = wire::decode::<Conversion>(payload).expect(READ);
            let erased = match ids.has_conversion(&conversion) {
                true => stand_ins.of_conversion(&conversion, events),
                false => stand_ins.of_others(&conversion),
            };
            wire::encode(&erased, &mut bytes);
        }
        Records::Confirmations => {
            let confirmation = wire::decode::<Confirmation>(payload).expect(READ);
            let click = stand_ins.click(confirmation.click);
            let erased = Confirmation {
                click,
                ..confirmation
            };
            wire::encode(&erased, &mut bytes);
        }
        Records::PageEvents => {
            let event = wire::decode::<PageEvent>(payload).expect(READ);
            let erased = match ids.has_page_event(&event) {
                true => {
                    stand_ins.of_page_event(&event, events, |name| ids.customers.contains(name))
                }
                false => stand_ins.of_others_page_event(&event),
            };
            wire::encode(&erased, &mut bytes);
        }
    }
    bytes
}
