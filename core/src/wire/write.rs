//! The pieces of postcard's form, for records that are written by hand because one is written for every click. What
//! pieces make up which record is not known here.

/// Seven bits of a number lie in each byte.
const GROUP: u32 = 7;
/// In each byte but the last: another follows.
const MORE: u64 = 0x8080_8080_8080_8080;

/// A number of up to 64 bits, or a variant's place in its enumeration.
#[inline]
pub(crate) fn number(out: &mut Vec<u8>, number: u64) {
    match u8::try_from(number) {
        Ok(small @ ..0x80) => out.push(small),
        _ => large(out, number.into()),
    }
}

/// A number of up to 128 bits. Random ones have nineteen bytes, so they are not made one by one.
#[inline]
pub(crate) fn large(out: &mut Vec<u8>, number: u128) {
    let bits = u128::BITS - (number | 1).leading_zeros();
    let length = bits.div_ceil(GROUP) as usize;
    let mut bytes = [0; 24];
    for (place, eight) in bytes.as_chunks_mut::<8>().0.iter_mut().enumerate() {
        let begins = 8 * GROUP * place as u32;
        *eight = (spread((number >> begins) as u64) | MORE).to_le_bytes();
    }
    bytes[length - 1] &= 0x7f;
    let end = out.len() + length;
    // A copy of fixed size needs no call.
    out.extend_from_slice(&bytes);
    out.truncate(end);
}

/// The lower 56 bits, seven in each byte, by halving the groups three times.
fn spread(bits: u64) -> u64 {
    let halves = (bits & 0x0000_0000_0fff_ffff) | (bits & 0x00ff_ffff_f000_0000) << 4;
    let quarters = (halves & 0x0000_3fff_0000_3fff) | (halves & 0x0fff_c000_0fff_c000) << 2;
    (quarters & 0x007f_007f_007f_007f) | (quarters & 0x3f80_3f80_3f80_3f80) << 1
}

/// A text behind its length.
#[inline]
pub(crate) fn text(out: &mut Vec<u8>, text: &str) {
    number(out, text.len() as u64);
    if !text.is_empty() {
        out.extend_from_slice(text.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
        let mut out = b"before".to_vec();
        write(&mut out);
        out.split_off(6)
    }

    proptest! {
        #[test]
        fn every_piece_is_postcards(random: u128, bits in 0_u32..128, said in "\\PC{0,200}") {
            let cut = random >> bits;
            prop_assert_eq!(written(|out| large(out, cut)), postcard::to_stdvec(&cut).unwrap());
            let cut = cut as u64;
            prop_assert_eq!(written(|out| number(out, cut)), postcard::to_stdvec(&cut).unwrap());
            prop_assert_eq!(written(|out| text(out, &said)), postcard::to_stdvec(&said).unwrap());
        }
    }

    #[test]
    fn so_are_numbers_at_every_edge() {
        for bit in 0..128 {
            for number in [(1_u128 << bit) - 1, 1 << bit] {
                let expected = postcard::to_stdvec(&number).unwrap();
                assert_eq!(written(|out| large(out, number)), expected);
            }
        }
        let expected = postcard::to_stdvec(&u128::MAX).unwrap();
        assert_eq!(written(|out| large(out, u128::MAX)), expected);
    }
}
