//! `oversize`: the answer is far longer than the server made it, by padding in a text of it.

use super::act::Act;
use super::answer::{Answer, Applied};
use super::edit::{splice, with_member};
use super::fault::Fault;
use super::filter::{AFTER, FIRST, METHOD, NTH, RATE, SESSION, TOOL};
use super::look::{Look, value};
use crate::plan::kind::{Kind, Lasts, Level, Usual};
use crate::plan::param::{Param, Params, Unit};
use protocol::json::{Fault as BadJson, Reader};

/// The kind.
pub const KIND: Kind = Kind {
    name: "oversize",
    level: Level::Message,
    lasts: Lasts::Window,
    usual: Usual::All,
    ramps: false,
    params: PARAMS,
    help: "answers grow by padding in their first text, or in a member of their own where there is none",
    applies: "{rate} of the answers to {method} grow by {size}",
    undone_by: "answers pass as they are",
    build: |params| Fault::action(params, Act::Oversize(Oversize::from_params(params)?)),
};

const PARAMS: &[Param] = &[
    Param {
        name: "size",
        unit: Unit::Size {
            max_bytes: 64 << 20,
        },
        default: Some("1MiB"),
        help: "by how much",
    },
    METHOD,
    TOOL,
    SESSION,
    NTH,
    RATE,
    AFTER,
    FIRST,
];

/// Its parameters.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Oversize {
    bytes: usize,
}

impl Oversize {
    fn from_params(params: &Params) -> Result<Self, String> {
        Ok(Self {
            bytes: usize::try_from(params.size("size")?).unwrap_or(usize::MAX),
        })
    }

    pub(super) fn apply(&self, answer: &mut Answer<'_>) -> Applied {
        let padding = vec![b'x'; self.bytes];
        let parts = answer.parts()?;
        let text = match end_of_text(&answer.text, &parts) {
            Some(at) => splice(&answer.text, at..at, &padding),
            None => {
                let object = parts.result.or(parts.error).ok_or("no_result")?;
                if answer.text[object.start] != b'{' {
                    return Err("no_result");
                }
                let padding = String::from_utf8_lossy(&padding);
                with_member(&answer.text, object, &format!(r#""padding":"{padding}""#))
            }
        };
        answer.replace(text)
    }
}

/// Where the first `text` of a result, or the `message` of an error, ends within its quotes.
fn end_of_text(text: &[u8], parts: &Look<'_>) -> Option<usize> {
    let (part, key) = match (&parts.result, &parts.error) {
        (Some(result), _) => (result.clone(), "text"),
        (None, error) => (error.clone()?, "message"),
    };
    let mut found = None;
    let mut reader = Reader::new(std::str::from_utf8(&text[part.clone()]).ok()?);
    find(&mut reader, key, part.start, &mut found).ok()?;
    found
}

/// Goes through a value, down into its objects and arrays. `from` is where its text begins in that of the message.
fn find(
    reader: &mut Reader<'_>,
    key: &str,
    from: usize,
    found: &mut Option<usize>,
) -> Result<(), BadJson> {
    match reader.peek() {
        b'{' => reader.object(|reader, name| {
            if found.is_none() && reader.peek() == b'"' && name.decode().as_deref() == Some(key) {
                reader.string()?;
                *found = Some(from + reader.at() - 1);
                return Ok(());
            }
            find(reader, key, from, found)
        }),
        b'[' => {
            let (text, at) = value(reader)?;
            // The elements are given as they stand, so their places are those of their texts in the array's.
            let mut elements = Vec::new();
            Reader::new(text).elements(|element| {
                elements.push((element.as_ptr() as usize - text.as_ptr() as usize, element));
            })?;
            for (offset, element) in elements {
                if found.is_none() {
                    find(
                        &mut Reader::new(element),
                        key,
                        from + at.start + offset,
                        found,
                    )?;
                }
            }
            Ok(())
        }
        _ => reader.value().map(drop),
    }
}
