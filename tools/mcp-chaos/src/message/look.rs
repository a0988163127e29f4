//! One look at a message: what it is, which request it belongs to, and where its parts lie.

use protocol::json::{Fault, Reader};
use std::borrow::Cow;
use std::ops::Range;

/// The key in `params._meta` by which a request of the modern era is known.
const REVISION: &str = "io.modelcontextprotocol/protocolVersion";

/// What a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Request,
    Notification,
    Answer,
}

/// A message of JSON-RPC, and where its parts lie in the text.
#[derive(Debug, Clone)]
pub(super) struct Look<'a> {
    pub(super) kind: Kind,
    /// As it stands there.
    pub(super) id: Option<&'a str>,
    pub(super) id_at: Range<usize>,
    pub(super) method: Option<Cow<'a, str>>,
    /// `params.name` or `params.uri`.
    pub(super) name: Option<Cow<'a, str>>,
    /// `params._meta` says a revision.
    pub(super) modern: bool,
    pub(super) result: Option<Range<usize>>,
    pub(super) error: Option<Range<usize>>,
}

/// Looks at one message; `None` where it is no object in JSON, or neither request nor answer. Where a key comes twice
/// the last one counts, as in most parsers.
pub(super) fn look(text: &[u8]) -> Option<Look<'_>> {
    let mut reader = Reader::new(std::str::from_utf8(text).ok()?);
    let mut found = Look {
        kind: Kind::Answer,
        id: None,
        id_at: 0..0,
        method: None,
        name: None,
        modern: false,
        result: None,
        error: None,
    };
    reader
        .object(|reader, key| {
            match key.decode().as_deref() {
                Some("id") => {
                    let (id, at) = value(reader)?;
                    (found.id, found.id_at) = (Some(id), at);
                }
                Some("method") => found.method = string(reader)?,
                Some("params") => params(reader, &mut found)?,
                Some("result") => found.result = Some(value(reader)?.1),
                Some("error") => found.error = Some(value(reader)?.1),
                _ => drop(reader.value()?),
            }
            Ok(())
        })
        .ok()?;
    if !reader.at_end() {
        return None;
    }
    found.kind = match (&found.method, found.id) {
        (Some(_), None | Some("null")) => Kind::Notification,
        (Some(_), Some(_)) => Kind::Request,
        (None, _) if found.result.is_some() || found.error.is_some() => Kind::Answer,
        (None, _) => return None,
    };
    Some(found)
}

/// The next value, as it stands in the text, and where.
pub(super) fn value<'a>(reader: &mut Reader<'a>) -> Result<(&'a str, Range<usize>), Fault> {
    reader.peek();
    let start = reader.at();
    let text = reader.value()?;
    Ok((text, start..reader.at()))
}

fn string<'a>(reader: &mut Reader<'a>) -> Result<Option<Cow<'a, str>>, Fault> {
    if reader.peek() == b'"' {
        return Ok(reader.string()?.decode());
    }
    reader.value()?;
    Ok(None)
}

fn params<'a>(reader: &mut Reader<'a>, found: &mut Look<'a>) -> Result<(), Fault> {
    if reader.peek() != b'{' {
        return reader.value().map(drop);
    }
    reader.object(|reader, key| {
        match key.decode().as_deref() {
            Some("name" | "uri") => found.name = string(reader)?,
            Some("_meta") if reader.peek() == b'{' => reader.object(|reader, key| {
                found.modern |= key.decode().as_deref() == Some(REVISION);
                reader.value().map(drop)
            })?,
            _ => drop(reader.value()?),
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_a_message_are_found_wherever_they_stand() {
        let text = br#" {"result": {"content":[]} ,"jsonrpc":"2.0","id": "a\"1" } "#;
        let found = look(text).unwrap();
        assert_eq!(found.kind, Kind::Answer);
        assert_eq!(found.id, Some(r#""a\"1""#));
        assert_eq!(&text[found.id_at], br#""a\"1""#);
        assert_eq!(&text[found.result.unwrap()], br#"{"content":[]}"#);

        let call = br#"{"jsonrpc":"2.0","id":7,"method":"tools\/call","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"},"name":"echo","arguments":{"name":"not this"}}}"#;
        let found = look(call).unwrap();
        assert_eq!(found.kind, Kind::Request);
        assert_eq!(found.method.as_deref(), Some("tools/call"));
        assert_eq!(found.name.as_deref(), Some("echo"));
        assert!(found.modern);
        let told = look(br#"{"jsonrpc":"2.0","method":"notifications/progress"}"#).unwrap();
        assert_eq!(told.kind, Kind::Notification);
    }

    #[test]
    fn what_is_no_message_is_none() {
        for text in [
            &b""[..],
            b"{}",
            b"[]",
            b"7",
            b"{\"id\":1}",
            b"{\"result\":1}{",
            b"{\"result\":\"\xff\"}",
        ] {
            assert!(look(text).is_none(), "{text:?}");
        }
    }
}
