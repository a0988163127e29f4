//! HPACK's integers: some bits of a first byte, and more bytes where those don't suffice (RFC 7541, 5.1).

use crate::h2::Broken;

/// Reads an integer whose first byte has `bits` bits of it.
pub(super) fn read(block: &[u8], at: &mut usize, bits: u32) -> Result<usize, Broken> {
    const SHORT: Broken = Broken::BadBlock("it ends in the middle of a number");
    let mask = (1u32 << bits) - 1;
    let first = u32::from(*block.get(*at).ok_or(SHORT)?) & mask;
    *at += 1;
    if first < mask {
        return Ok(first as usize);
    }
    let mut value = mask;
    for shift in [0, 7, 14, 21] {
        let byte = *block.get(*at).ok_or(SHORT)?;
        *at += 1;
        value += u32::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(value as usize);
        }
    }
    // 2^28 is beyond every limit that there is.
    Err(Broken::BadBlock("a number beyond all limits"))
}

/// Writes an integer, `bits` bits of it beside `pattern` in the first byte.
pub(super) fn write(out: &mut Vec<u8>, pattern: u8, bits: u32, value: usize) {
    let mask = (1usize << bits) - 1;
    if value < mask {
        return out.push(pattern | value as u8);
    }
    out.push(pattern | mask as u8);
    let mut rest = value - mask;
    while rest >= 0x80 {
        out.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_all_sizes_come_back() {
        for bits in 4..=7 {
            for value in [
                0,
                1,
                14,
                15,
                16,
                126,
                127,
                128,
                254,
                255,
                1337,
                16_383,
                1 << 20,
            ] {
                let mut out = Vec::new();
                write(&mut out, 0, bits, value);
                let mut at = 0;
                assert_eq!(
                    read(&out, &mut at, bits),
                    Ok(value),
                    "{value} in {bits} bits"
                );
                assert_eq!(at, out.len());
            }
        }
    }

    #[test]
    fn a_number_that_goes_on_for_ever_is_refused() {
        let mut at = 0;
        assert!(read(&[0xff; 40], &mut at, 7).is_err());
        let mut at = 0;
        assert!(read(&[0xff, 0x80], &mut at, 7).is_err());
    }
}
