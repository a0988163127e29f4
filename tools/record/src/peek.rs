//! Looks at the `type` of a line without parsing the rest, so that forwarding costs next to nothing.

use serde::Deserialize;
use std::borrow::Cow;

/// What a line is, as far as a filter needs to know.
#[derive(Debug, PartialEq, Eq)]
pub enum Peek<'a> {
    /// A JSON object with a `type` that is a string.
    Type(Cow<'a, str>),
    /// JSON, but no record: passed on in silence, like a record of an unknown type.
    Untyped,
    /// No JSON; the word says in what way.
    Broken(&'static str),
}

/// Looks at one line, with or without its `\n`.
///
/// A line that begins like a record of a known type is believed to be one when it also ends like one: its middle is
/// not read. mcp-report, the last in the pipe, parses every line in full.
#[must_use]
pub fn peek(line: &[u8]) -> Peek<'_> {
    let line = line.trim_ascii();
    let Ok(text) = std::str::from_utf8(line) else {
        return Peek::Broken("no valid UTF-8");
    };
    if text.is_empty() {
        return Peek::Broken("empty");
    }
    if text.ends_with('}')
        && let Some(name) = early_type(text)
        && crate::kind::Body::TYPES.contains(&name)
    {
        return Peek::Type(Cow::Borrowed(name));
    }
    in_full(text)
}

/// Finds `"type":"…"` among the first keys of an object as our own pen writes it; `None` when it would take more.
fn early_type(text: &str) -> Option<&str> {
    let mut rest = text.strip_prefix('{')?;
    // `v` and `type` come first from the pen; hand-written lines and jq may put a few short fields before.
    for _ in 0..8 {
        let (key, after) = simple_string(rest)?;
        let value = after.trim_start().strip_prefix(':')?.trim_start();
        if key == "type" {
            return simple_string(value).map(|(name, _)| name);
        }
        let end = if value.starts_with('"') {
            value.len() - simple_string(value)?.1.len()
        } else {
            value.find(|c: char| !(c.is_ascii_alphanumeric() || "+-.".contains(c)))?
        };
        rest = value[end..].trim_start().strip_prefix(',')?;
    }
    None
}

/// A JSON string without escapes, and what follows it.
fn simple_string(text: &str) -> Option<(&str, &str)> {
    let inner = text.trim_start().strip_prefix('"')?;
    let end = memchr::memchr2(b'"', b'\\', inner.as_bytes())?;
    (inner.as_bytes()[end] == b'"').then(|| (&inner[..end], &inner[end + 1..]))
}

/// Parses the whole line; only for lines that are not plainly ours.
fn in_full(text: &str) -> Peek<'_> {
    #[derive(Deserialize)]
    struct Typed<'a> {
        #[serde(rename = "type", borrow)]
        kind: Cow<'a, str>,
    }
    if let Ok(typed) = serde_json::from_str::<Typed<'_>>(text) {
        return Peek::Type(typed.kind);
    }
    match serde_json::from_str::<serde::de::IgnoredAny>(text) {
        Ok(_) => Peek::Untyped,
        Err(e) if e.is_eof() => Peek::Broken("half a line of JSON"),
        Err(_) => Peek::Broken("no JSON"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_type_is_found_wherever_it_stands() {
        for line in [
            r#"{"v":1,"type":"target","url":"x"}"#,
            r#"{ "type" : "target" }"#,
            r#"{"a":{"type":"no"},"b":[1,2],"type":"target"}"#,
            r#"{"a":"}\"{","n":-1.5e3,"t":true,"type":"target"}"#,
            r#"{"\u0074ype":"target"}"#,
            "{\"type\":\"target\"}\n",
        ] {
            assert_eq!(peek(line.as_bytes()), Peek::Type("target".into()), "{line}");
        }
    }

    #[test]
    fn what_is_no_record_is_told_apart() {
        assert_eq!(
            peek(b"{\"type\":\"sample\",\"va"),
            Peek::Broken("half a line of JSON")
        );
        assert_eq!(peek(b"{\"type\":\"new\"}"), Peek::Type("new".into()));
        assert_eq!(peek(b"{\"type\":\"new\",}"), Peek::Broken("no JSON"));
        assert_eq!(peek(b"{\"type\":7}"), Peek::Untyped);
        assert_eq!(peek(b"[1,2]"), Peek::Untyped);
        assert_eq!(peek(b"hello"), Peek::Broken("no JSON"));
        assert_eq!(peek(b"\xff\xfe"), Peek::Broken("no valid UTF-8"));
        assert_eq!(peek(b""), Peek::Broken("empty"));
        let deep = "[".repeat(100_000);
        assert!(matches!(peek(deep.as_bytes()), Peek::Broken(_)));
    }
}
