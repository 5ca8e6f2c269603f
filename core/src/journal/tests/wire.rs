//! Blocks from an untrusted sender.

use bytes::{Bytes, BytesMut};
use proptest::prelude::*;

use super::{harness::open, model::ModelFs, small};
use crate::journal::{BLOCK_HEADER_BYTES, Block, BlockError, BlockId, LaneId, MAX_BLOCK_BYTES};

fn block(payloads: &[Vec<u8>]) -> Block {
    let mut open = open(&ModelFs::default(), &small()).unwrap();
    for payload in payloads {
        open.writer.append(payload).unwrap();
    }
    open.reader.next_block(1 << 20, 1000).unwrap().unwrap()
}

fn payloads() -> impl Strategy<Value = Vec<Vec<u8>>> {
    prop::collection::vec(prop::collection::vec(any::<u8>(), 0..80), 1..20)
}

fn changed(block: &Block, change: impl FnOnce(&mut BytesMut)) -> Result<Block, BlockError> {
    let mut wire = BytesMut::from(&block.wire()[..]);
    change(&mut wire);
    Block::parse(wire.freeze())
}

/// Changes the header and makes its checksum right again, as a sender with a fault of its own would.
fn forged(block: &Block, change: impl FnOnce(&mut BytesMut)) -> Result<Block, BlockError> {
    changed(block, |wire| {
        change(wire);
        let crc = crc32c::crc32c(&wire[..40]);
        wire[40..44].copy_from_slice(&crc.to_le_bytes());
    })
}

proptest! {
    #![proptest_config(super::config())]

    #[test]
    fn what_was_sealed_is_parsed(payloads in payloads()) {
        let block = block(&payloads);
        let parsed = Block::parse(block.wire().clone()).unwrap();
        prop_assert_eq!(&parsed, &block);
        let expected: Vec<_> = (1..).zip(payloads.iter().map(Vec::as_slice)).collect();
        prop_assert_eq!(parsed.records().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn any_flipped_bit_is_refused(payloads in payloads(), place in any::<prop::sample::Index>()) {
        let block = block(&payloads);
        let bit = place.index(block.wire().len() * 8);
        prop_assert!(changed(&block, |wire| wire[bit / 8] ^= 1 << (bit % 8)).is_err());
    }

    #[test]
    fn any_other_length_is_refused(payloads in payloads(), place in any::<prop::sample::Index>(), more in 1..100usize) {
        let block = block(&payloads);
        let shorter = place.index(block.wire().len());
        prop_assert!(changed(&block, |wire| wire.truncate(shorter)).is_err());
        let longer = block.wire().len() + more;
        prop_assert!(changed(&block, |wire| wire.resize(longer, 0)).is_err());
    }

    #[test]
    fn a_forged_header_never_panics(payloads in payloads(), word in 0..10usize, value in any::<u32>()) {
        let block = block(&payloads);
        if let Ok(parsed) = forged(&block, |wire| wire[word * 4..word * 4 + 4].copy_from_slice(&value.to_le_bytes())) {
            // A longer range with the same records is a block that lost some; anything else is refused.
            prop_assert!(parsed.records().eq(block.records()));
            prop_assert_eq!(parsed.id().lane, block.id().lane);
        }
    }

    #[test]
    fn garbage_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(Block::parse(Bytes::from(bytes)).is_err());
    }

    #[test]
    fn garbage_behind_a_sound_header_never_panics(body in prop::collection::vec(any::<u8>(), 1..300)) {
        let block = block(&[b"x".to_vec()]);
        let parsed = forged(&block, |wire| {
            wire.truncate(BLOCK_HEADER_BYTES);
            wire.extend_from_slice(&body);
            wire[36..40].copy_from_slice(&(body.len() as u32).to_le_bytes());
        });
        let is_refused = matches!(parsed, Err(BlockError::Record { index: 0, offset: BLOCK_HEADER_BYTES, .. }));
        prop_assert!(is_refused);
    }
}

#[test]
fn each_refusal_has_its_name() {
    let block = block(&[b"one".to_vec(), b"two".to_vec()]);
    let put = |at: usize, value: u32| {
        move |wire: &mut BytesMut| wire[at..at + 4].copy_from_slice(&value.to_le_bytes())
    };
    let short = changed(&block, |wire| wire.truncate(47));
    assert_eq!(short, Err(BlockError::Short { bytes: 47 }));
    assert_eq!(changed(&block, put(0, 1)), Err(BlockError::Magic));
    assert_eq!(
        forged(&block, put(4, 9)),
        Err(BlockError::Version { version: 9 })
    );
    assert_eq!(changed(&block, put(8, 9)), Err(BlockError::HeaderChecksum));
    let range = Err(BlockError::Header {
        problem: "its numbers are not a range",
    });
    assert_eq!(forged(&block, put(16, 9)), range);
    assert_eq!(forged(&block, put(16, 0)), range);
    let many = Err(BlockError::Header {
        problem: "more records than numbers",
    });
    assert_eq!(forged(&block, put(32, 3)), many);
    let few = Err(BlockError::Header {
        problem: "more bytes than records",
    });
    assert_eq!(forged(&block, put(32, 1)), few);
    assert_eq!(
        forged(&block, put(36, 8)),
        Err(BlockError::Length {
            announced: 8,
            carried: 48
        })
    );
    let beyond = forged(&block, |wire| {
        wire[24] = 1;
        wire[32] = 1;
    });
    assert_eq!(
        beyond,
        Err(BlockError::Header {
            problem: "more bytes than records"
        })
    );
    let foreign = forged(&block, put(8, 9));
    let checksum = |index, offset| BlockError::Record {
        index,
        offset,
        problem: "it does not match its checksum",
    };
    assert_eq!(foreign, Err(checksum(0, 48)));
    assert_eq!(
        changed(&block, |wire| wire[72 + 17] ^= 1),
        Err(checksum(1, 72))
    );
    let swapped = changed(&block, |wire| {
        let second = wire.split_off(72);
        let first = wire.split_off(48);
        wire.unsplit(second);
        wire.unsplit(first);
    });
    let disorder = BlockError::Record {
        index: 1,
        offset: 72,
        problem: "its number is out of order",
    };
    assert_eq!(swapped, Err(disorder));
    let long = Block::parse(Bytes::from(vec![0; MAX_BLOCK_BYTES + 1]));
    assert_eq!(
        long,
        Err(BlockError::TooLong {
            bytes: MAX_BLOCK_BYTES + 1
        })
    );
}

#[test]
fn a_block_is_named_and_found_by_its_name() {
    let id = BlockId {
        lane: LaneId::new(0xab),
        first: 7,
        last: 12,
    };
    assert_eq!(id.to_string().parse(), Ok(id));
    for strange in [
        "",
        "ab-7-12",
        "00000000000000AB-7-12",
        "00000000000000ab-07-12",
        "00000000000000ab-7",
        "../x",
    ] {
        let error = strange.parse::<BlockId>().unwrap_err().to_string();
        assert!(error.contains("16 hexadecimal"), "{strange}: {error}");
    }
}

#[test]
fn a_block_knows_what_it_misses() {
    let mut open = open(&ModelFs::default(), &small()).unwrap();
    let too_large = vec![0; 1001];
    for is_refused in [true, false, true, true, false, false, true] {
        let payload = if is_refused { &too_large[..] } else { b"x" };
        assert_eq!(open.writer.append(payload).is_err(), is_refused);
    }
    let block = open.reader.next_block(1 << 20, 1000).unwrap().unwrap();
    // The last one belongs to the next block.
    assert_eq!(block.missing(), [(1, 1), (3, 4)]);
    assert_eq!(open.reader.take_damaged(), []);
    assert_eq!((open.reader.taken(), open.reader.freed()), (7, 0));
}
