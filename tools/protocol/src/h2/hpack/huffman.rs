//! The Huffman code of header texts (RFC 7541, appendix B), decoded.
//!
//! The code is canonical: of a table of 257 codes, their lengths are enough. We never encode with it: what is sent often
//! is an index, and the rest is shorter to make than to send.

use crate::h2::Broken;

/// The bits of each symbol's code; the last is the end of a text, which must not occur.
const LENGTHS: [u8; 257] = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28,
    28, 28, 28, 28, 28, 28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5,
    5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10, 13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
    7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6, 15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6,
    6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28, 20, 22, 20, 20, 22, 22, 22, 23, 22,
    23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, 22,
    21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20,
    22, 22, 22, 23, 22, 22, 23, 26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19,
    21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27, 20, 24, 20, 21, 22, 21, 21, 23, 22,
    22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26, 30,
];
const MAX_BITS: usize = 30;

/// For each length the first code that is longer, shifted to 32 bits, the first code of this length, and where its
/// symbols begin.
struct Code {
    /// Codes below this, seen as 32 bits, have at most this length.
    beyond: [u64; MAX_BITS + 1],
    first: [u32; MAX_BITS + 1],
    begin: [u16; MAX_BITS + 1],
    symbols: [u16; 257],
}

static CODE: Code = code();

const fn code() -> Code {
    let mut code = Code {
        beyond: [0; MAX_BITS + 1],
        first: [0; MAX_BITS + 1],
        begin: [0; MAX_BITS + 1],
        symbols: [0; 257],
    };
    let (mut next, mut place, mut bits) = (0u32, 0, 1);
    while bits <= MAX_BITS {
        next <<= 1;
        code.first[bits] = next;
        code.begin[bits] = place as u16;
        let mut symbol = 0;
        while symbol < 257 {
            if LENGTHS[symbol] as usize == bits {
                code.symbols[place] = symbol as u16;
                place += 1;
                next += 1;
            }
            symbol += 1;
        }
        code.beyond[bits] = (next as u64) << (32 - bits);
        bits += 1;
    }
    code
}

/// Appends the text that `bytes` encode, at most `limit` bytes of it.
pub(super) fn decode(bytes: &[u8], out: &mut Vec<u8>, limit: usize) -> Result<(), Broken> {
    let end = out.len() + limit;
    // The next bits are the highest of these, `held` of them.
    let (mut bits, mut held) = (0u64, 0usize);
    let mut rest = bytes.iter();
    loop {
        while held <= 56
            && let Some(byte) = rest.next()
        {
            bits |= u64::from(*byte) << (56 - held);
            held += 8;
        }
        let window = bits >> 32;
        // No code is shorter than 5 bits.
        let length = (5..=MAX_BITS).find(|&n| window < CODE.beyond[n]);
        let Some(length) = length.filter(|&n| n <= held) else {
            break;
        };
        let place = (window >> (32 - length)) as u32 - CODE.first[length];
        let symbol = CODE.symbols[usize::from(CODE.begin[length]) + place as usize];
        let Ok(symbol) = u8::try_from(symbol) else {
            return Err(Broken::BadBlock("an end within a text"));
        };
        if out.len() == end {
            return Err(Broken::HeadTooLarge(limit));
        }
        out.push(symbol);
        bits <<= length;
        held -= length;
    }
    // What is left is padding: fewer than eight bits, all ones.
    let is_padding = held < 8 && bits >> 56 == (0xff00 >> held) & 0xff;
    if is_padding {
        Ok(())
    } else {
        Err(Broken::BadBlock("a text with bad padding"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(bytes: &[u8]) -> Result<String, Broken> {
        let mut out = Vec::new();
        decode(bytes, &mut out, 100)?;
        Ok(String::from_utf8(out).unwrap())
    }

    #[test]
    fn the_examples_of_the_rfc_decode() {
        let www = [
            0xf1, 0xe3, 0xc2, 0xe5, 0xf2, 0x3a, 0x6b, 0xa0, 0xab, 0x90, 0xf4, 0xff,
        ];
        assert_eq!(decoded(&www).unwrap(), "www.example.com");
        assert_eq!(
            decoded(&[0xa8, 0xeb, 0x10, 0x64, 0x9c, 0xbf]).unwrap(),
            "no-cache"
        );
        assert_eq!(decoded(&[0x64, 0x02]).unwrap(), "302");
        assert_eq!(decoded(&[]).unwrap(), "");
    }

    #[test]
    fn bad_padding_and_the_end_within_a_text_are_refused() {
        // A whole byte of padding, zeros as padding, and the end itself.
        for bytes in [
            &[0x64, 0x02, 0xff][..],
            &[0xf8, 0x00],
            &[0xff, 0xff, 0xff, 0xff],
        ] {
            assert!(decoded(bytes).is_err(), "{bytes:x?}");
        }
    }

    #[test]
    fn a_text_beyond_its_limit_is_refused() {
        let mut out = Vec::new();
        assert_eq!(decode(&[0; 10], &mut out, 4), Err(Broken::HeadTooLarge(4)));
    }
}
