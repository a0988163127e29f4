//! Texts in the formats that JSON Schema names, in address space that belongs to nobody.

use super::random::Random;

/// A text in this format; `None` where the format is no promise about the text that we know.
pub(super) fn sample(format: &str, random: &mut Random) -> Option<String> {
    let word = random.letters(8);
    let small = |random: &mut Random, low: usize, width: usize| low + random.below(width);
    let date = {
        let month = small(random, 1, 12);
        // A month has 28 days at least.
        format!("2026-{month:02}-{:02}", small(random, 1, 28))
    };
    let time = {
        let (hour, minute) = (small(random, 0, 24), small(random, 0, 60));
        format!("{hour:02}:{minute:02}:{:02}Z", small(random, 0, 60))
    };
    Some(match format {
        "date" => date,
        "time" => time,
        "date-time" => format!("{date}T{time}"),
        "duration" => format!("PT{}S", small(random, 1, 59)),
        "uri" | "url" | "iri" | "uri-reference" | "iri-reference" | "uri-template" => {
            format!("https://example.com/{word}")
        }
        "email" | "idn-email" => format!("{word}@example.com"),
        "hostname" | "idn-hostname" => format!("{word}.example.com"),
        // 192.0.2.0/24 and 2001:db8::/32 are set aside for examples (RFC 5737, RFC 3849).
        "ipv4" => format!("192.0.2.{}", small(random, 1, 254)),
        "ipv6" => format!("2001:db8::{:x}", small(random, 1, 65_535)),
        "uuid" => uuid(random),
        "json-pointer" => format!("/{word}"),
        "relative-json-pointer" => "0".to_owned(),
        "regex" => word,
        "byte" | "base64" => "bWNwaXBl".to_owned(),
        _ => return None,
    })
}

/// A version 4 UUID (RFC 9562).
fn uuid(random: &mut Random) -> String {
    let (high, low) = (random.next(), random.next());
    format!(
        "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0xfff,
        0x8000 | ((low >> 48) & 0x3fff),
        low & 0xffff_ffff_ffff
    )
}
