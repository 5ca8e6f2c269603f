//! Files that were damaged while the lane was closed: what is lost is told, what is not lost is read.

use std::path::Path;

use super::{
    harness::{DIR, Open, open, payload},
    model::ModelFs,
    small,
};
use crate::journal::{Block, OpenError, Seq, segment};

const FIRST: &str = "00000000000000000001.seg";
const SECOND: &str = "00000000000000000002.seg";

/// Bytes of the frame of a payload of 100.
const FRAME: usize = 120;

fn at(place: usize) -> usize {
    segment::HEADER + place * FRAME
}

/// A lane with `records` records of 100 bytes; 33 of them fill a segment.
fn filled(records: u64) -> (ModelFs, Open) {
    let fs = ModelFs::default();
    let mut open = open(&fs, &small()).unwrap();
    for stamp in 1..=records {
        open.writer.append(&payload(stamp, 100)).unwrap();
    }
    (fs, open)
}

fn reopened(fs: &ModelFs) -> Open {
    open(fs, &small()).unwrap()
}

fn expect(open: &mut Open, seqs: impl IntoIterator<Item = Seq>) {
    let expected: Vec<_> = seqs
        .into_iter()
        .map(|seq| (seq, payload(seq, 100)))
        .collect();
    assert_eq!(open.drain(), expected);
}

fn seal(open: &mut Open, records: u32) -> Block {
    open.reader.next_block(1 << 20, records).unwrap().unwrap()
}

#[test]
fn a_torn_tail_is_cut_off_at_any_byte() {
    for cut in 0..FRAME {
        let (fs, open) = filled(3);
        drop(open);
        fs.damage(FIRST, |bytes| bytes[at(2) + cut..at(3)].fill(0xEE));
        let mut open = reopened(&fs);
        // The header knew of the third number; it is not used again.
        assert_eq!(open.writer.append(&payload(4, 100)).unwrap(), 4);
        expect(&mut open, [1, 2, 4]);
    }
}

#[test]
fn a_record_whose_length_was_not_published_is_not_there() {
    let (fs, open) = filled(3);
    drop(open);
    fs.damage(FIRST, |bytes| bytes[at(2)..at(2) + 4].fill(0));
    let mut open = reopened(&fs);
    open.writer.append(&payload(4, 100)).unwrap();
    expect(&mut open, [1, 2, 4]);
    assert_eq!(
        open.reader.lost().corrupt,
        0,
        "what was never accepted is not lost"
    );
}

#[test]
fn any_flipped_bit_in_the_middle_costs_one_record_and_is_counted() {
    for bit in (0..FRAME * 8).step_by(7) {
        let (fs, open) = filled(5);
        drop(open);
        fs.damage(FIRST, |bytes| bytes[at(2) + bit / 8] ^= 1 << (bit % 8));
        let mut open = reopened(&fs);
        assert_eq!(open.writer.next_seq(), 6);
        expect(&mut open, [1, 2, 4, 5]);
        assert_eq!(open.reader.lost().corrupt, 1, "bit {bit}");
        assert_eq!(open.reader.take_damaged(), [(3, 3)], "bit {bit}");
    }
}

#[test]
fn damage_at_the_end_of_a_full_segment_is_in_the_middle_of_the_lane() {
    let (fs, open) = filled(40);
    drop(open);
    fs.damage(FIRST, |bytes| bytes[at(31)..at(33)].fill(0x77));
    let mut open = reopened(&fs);
    expect(&mut open, (1..=31).chain(34..=40));
    assert_eq!(open.reader.lost().corrupt, 2);
}

#[test]
fn a_hole_that_power_loss_left_is_passed_over() {
    let (fs, open) = filled(20);
    drop(open);
    fs.damage(FIRST, |bytes| bytes[at(4)..at(9)].fill(0));
    let mut open = reopened(&fs);
    expect(&mut open, (1..=4).chain(10..=20));
    assert_eq!(open.reader.lost().corrupt, 5);
}

#[test]
fn a_damaged_sealed_block_keeps_its_id_and_goes_out_with_the_rest() {
    let (fs, mut open) = filled(6);
    let before = seal(&mut open, 4);
    drop(open);
    fs.damage(FIRST, |bytes| bytes[at(1) + 30] ^= 1);
    let mut open = reopened(&fs);
    let after = seal(&mut open, 1);
    assert_eq!(after.id(), before.id());
    assert_eq!(
        after.records().map(|(seq, _)| seq).collect::<Vec<_>>(),
        [1, 3, 4]
    );
    assert_eq!(Block::parse(after.wire().clone()).unwrap(), after);
    assert_eq!(open.reader.lost().corrupt, 1);
    assert_eq!(open.reader.take_damaged(), [(2, 2)]);
    open.reader.ack(after.id()).unwrap();
    expect(&mut open, [5, 6]);
}

#[test]
fn a_sealed_block_of_which_nothing_is_left_is_handed_out_empty() {
    let (fs, mut open) = filled(6);
    let before = seal(&mut open, 4);
    drop(open);
    fs.damage(FIRST, |bytes| bytes[at(0)..at(4)].fill(0x55));
    let mut open = reopened(&fs);
    let after = seal(&mut open, 1);
    assert_eq!(
        (after.id(), after.count(), after.is_empty()),
        (before.id(), 0, true)
    );
    assert_eq!(Block::parse(after.wire().clone()).unwrap(), after);
    assert_eq!(open.reader.lost().corrupt, 4);
    open.reader.ack(after.id()).unwrap();
    expect(&mut open, [5, 6]);
}

#[test]
fn a_damaged_header_of_a_segment_costs_nothing() {
    let (fs, open) = filled(40);
    drop(open);
    fs.damage(FIRST, |bytes| bytes[..segment::HEADER].fill(0xFF));
    let mut open = reopened(&fs);
    expect(&mut open, 1..=40);
}

#[test]
fn a_lost_segment_costs_its_records_and_no_others() {
    let (fs, open) = filled(70);
    drop(open);
    fs.lose(SECOND);
    let mut open = reopened(&fs);
    expect(&mut open, (1..=33).chain(67..=70));
}

#[test]
fn an_emptied_segment_does_not_stop_the_start() {
    let (fs, open) = filled(40);
    drop(open);
    fs.lose(FIRST);
    fs.plant(&Path::new(DIR).join(FIRST), 0);
    let mut open = reopened(&fs);
    expect(&mut open, 34..=40);
}

#[test]
fn a_segment_that_was_cut_short_gives_what_is_left() {
    for left in [8, 64, 72, 4000] {
        let (fs, mut open) = filled(40);
        seal(&mut open, 2);
        drop(open);
        fs.lose(FIRST);
        fs.plant(&Path::new(DIR).join(FIRST), left);
        let mut open = reopened(&fs);
        open.writer.append(&payload(41, 100)).unwrap();
        expect(&mut open, 34..=41);
    }
}

#[test]
fn a_damaged_identity_is_restored() {
    let (fs, open) = filled(3);
    let lane = open.writer.lane();
    drop(open);
    fs.damage("lane", |bytes| bytes[..32].fill(0x33));
    let open = reopened(&fs);
    assert_eq!(open.writer.lane(), lane);
    drop(open);
    // From now on without its help.
    fs.damage(FIRST, |bytes| bytes[..64].fill(0));
    let mut open = reopened(&fs);
    assert_eq!(open.writer.lane(), lane);
    expect(&mut open, 1..=3);
}

#[test]
fn a_lost_control_file_is_made_again_from_the_segments() {
    let (fs, mut open) = filled(5);
    let lane = open.writer.lane();
    let block = seal(&mut open, 2);
    open.reader.ack(block.id()).unwrap();
    drop(open);
    fs.lose("lane");
    let mut open = reopened(&fs);
    assert_eq!((open.writer.lane(), open.writer.next_seq()), (lane, 6));
    // Without a ledger nobody knows what was acked.
    expect(&mut open, 1..=5);
}

#[test]
fn without_any_identity_the_lane_is_refused_by_name() {
    let (fs, open) = filled(3);
    drop(open);
    fs.lose("lane");
    fs.damage(FIRST, |bytes| bytes[..64].fill(0));
    fs.damage(SECOND, |bytes| bytes[..64].fill(0));
    let error = open_error(&fs);
    assert!(
        matches!(&error, OpenError::NoIdentity { dir } if dir == Path::new(DIR)),
        "{error}"
    );
}

#[test]
fn a_damaged_next_number_is_not_believed() {
    let (fs, open) = filled(3);
    drop(open);
    fs.damage("lane", |bytes| bytes[71] ^= 0x40);
    let mut open = reopened(&fs);
    assert_eq!(open.writer.append(&payload(4, 100)).unwrap(), 4);
    expect(&mut open, 1..=4);
}

#[test]
fn newer_versions_and_foreign_segments_are_refused_by_name() {
    let (fs, open) = filled(3);
    drop(open);
    fs.damage(SECOND, |bytes| {
        let (lane, index) = (7_u64.to_le_bytes(), 2_u64.to_le_bytes());
        bytes[16..24].copy_from_slice(&lane);
        let crc = crc32c::crc32c_append(crc32c::crc32c_append(1, &lane), &index);
        bytes[12..16].copy_from_slice(&crc.to_le_bytes());
    });
    let error = open_error(&fs);
    assert!(
        matches!(&error, OpenError::Foreign { path, .. } if path.ends_with(SECOND)),
        "{error}"
    );

    let (fs, open) = filled(3);
    drop(open);
    fs.damage("lane", |bytes| {
        bytes[8] = 2;
        let crc = crc32c::crc32c(&bytes[..24]);
        bytes[24..28].copy_from_slice(&crc.to_le_bytes());
    });
    let error = open_error(&fs);
    assert!(
        matches!(
            &error,
            OpenError::Version {
                found: 2,
                supported: 1,
                ..
            }
        ),
        "{error}"
    );
}

/// Offset of an entry of the ledger's first half in the file `lane`; 0 and 1 are the heads, 2 is the cursor.
fn entry(slot: usize) -> usize {
    4096 + slot * 64
}

#[test]
fn one_damaged_head_of_the_ledger_costs_nothing() {
    for head in 0..2 {
        let (fs, mut open) = filled(6);
        let block = seal(&mut open, 2);
        open.reader.ack(block.id()).unwrap();
        drop(open);
        fs.damage("lane", |bytes| {
            bytes[entry(head)..entry(head + 1)].fill(0xAB)
        });
        expect(&mut reopened(&fs), 3..=6);
    }
}

#[test]
fn any_damaged_entry_but_the_last_is_restored_from_its_neighbours() {
    for slot in 2..5 {
        let (fs, mut open) = filled(8);
        let before = [seal(&mut open, 2), seal(&mut open, 3), seal(&mut open, 1)];
        drop(open);
        fs.damage("lane", |bytes| bytes[entry(slot) + 20] ^= 1);
        let mut open = reopened(&fs);
        // The cursor was all zeros; a seal comes back with its bounds and its records.
        for block in &before {
            assert_eq!(&seal(&mut open, 100), block, "entry {slot}");
        }
        assert_eq!(seal(&mut open, 100).id().first, 7);
    }
}

#[test]
fn a_damaged_ack_is_known_by_the_segments_that_are_gone() {
    let (fs, mut open) = filled(40);
    let acked = seal(&mut open, 33);
    open.reader.ack(acked.id()).unwrap();
    let waiting = seal(&mut open, 4);
    drop(open);
    // Heads, cursor, seal, and this: the ack.
    fs.damage("lane", |bytes| bytes[entry(4) + 20] ^= 1);
    let mut open = reopened(&fs);
    assert_eq!(seal(&mut open, 100), waiting);
}

fn open_error(fs: &ModelFs) -> OpenError {
    open(fs, &small()).map(|_| ()).unwrap_err()
}
