//! The records of a block as JSON Lines. What cannot be read is there as it is, in Base64, with the reason.

use std::io::{self, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use whence_core::click::Click;
use whence_core::confirmation::Confirmation;
use whence_core::conversion::Conversion;
use whence_core::journal::{Block, Seq};
use whence_core::page_event::PageEvent;
use whence_core::ship::Records;
use whence_core::wire::{self, WireError};

/// A line.
#[derive(Serialize)]
struct Line<'a> {
    seq: Seq,
    #[serde(flatten)]
    record: Record<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case", untagged)]
enum Record<'a> {
    Click { click: Box<Click<'a>> },
    Conversion { conversion: Box<Conversion> },
    Confirmation { confirmation: Confirmation },
    PageEvent { page_event: Box<PageEvent> },
    Unreadable { error: String, base64: String },
}

impl<'a> Line<'a> {
    fn of(seq: Seq, payload: &'a [u8], records: Records) -> Self {
        let record = read(payload, records).unwrap_or_else(|error| Record::Unreadable {
            error: error.to_string(),
            base64: STANDARD.encode(payload),
        });
        Self { seq, record }
    }
}

/// One record.
pub(crate) fn line(seq: Seq, payload: &[u8], records: Records) -> serde_json::Value {
    serde_json::to_value(Line::of(seq, payload, records)).expect("a record can be written as JSON")
}

/// Writes all records of a block.
pub(super) fn write(to: &mut impl Write, block: &Block, records: Records) -> io::Result<()> {
    for (seq, payload) in block.records() {
        serde_json::to_writer(&mut *to, &Line::of(seq, payload, records))?;
        to.write_all(b"\n")?;
    }
    Ok(())
}

fn read(payload: &[u8], records: Records) -> Result<Record<'_>, WireError> {
    Ok(match records {
        Records::Clicks => Record::Click {
            click: Box::new(wire::decode(payload)?),
        },
        Records::Conversions => Record::Conversion {
            conversion: Box::new(wire::decode(payload)?),
        },
        Records::Confirmations => Record::Confirmation {
            confirmation: wire::decode(payload)?,
        },
        Records::PageEvents => Record::PageEvent {
            page_event: Box::new(wire::decode(payload)?),
        },
    })
}
