//! Calls that differ from one to the next: compiled once to segments, so that making one copies and fills bytes.

use super::placeholder::{Hole, Piece, Scope, Text};
use crate::dice;
use crate::profile::{Cell, Order, Table};
use protocol::dialect::Dialect;
use protocol::header;
use protocol::http::Routing;
use protocol::template::{IdDigits, Template};
use serde_json::{Map, Value};
use std::io::Write as _;
use std::sync::Arc;

/// What is filled into a template's holes.
#[derive(Clone, Debug)]
pub struct Fill {
    segments: Vec<Segment>,
    /// The value of `Mcp-Name`, where it has holes.
    name: Option<Text>,
    /// The values of `Mcp-Param-…` headers: their places among all, and what they are.
    params: Vec<(usize, Text)>,
    tables: Arc<[Arc<Table>]>,
}

#[derive(Clone, Debug)]
enum Segment {
    Fixed(Vec<u8>),
    /// A JSON value.
    Value(Hole, u64),
    /// Within a JSON string.
    Inner(Hole, u64),
}

/// Which call is made: what is filled in is a function of this.
#[derive(Clone, Copy, Debug)]
pub struct Occasion<'a> {
    /// The run's seed.
    pub seed: u64,
    /// The client's number.
    pub client: u32,
    /// How many clients there are.
    pub clients: u32,
    /// The index of the client's call.
    pub index: u64,
    /// What earlier steps of the sequence have taken.
    pub taken: &'a [Option<Cell>],
}

/// A filled call; kept from call to call for its memory.
#[derive(Debug, Default)]
pub struct Filled {
    /// What comes behind the id.
    pub suffix: Vec<u8>,
    name: Option<String>,
    params: Vec<(String, String)>,
}

impl Filled {
    /// What the request says in headers, in the modern era.
    #[must_use]
    pub fn routing<'a>(&'a self, template: &'a Template) -> Routing<'a> {
        let rendered = template.routing();
        Routing {
            name: self.name.as_deref().or(rendered.name),
            params: match self.params.as_slice() {
                [] => rendered.params,
                filled => filled,
            },
            ..rendered
        }
    }
}

/// Stands for a text with holes while the message is rendered; no message of MCP has this character.
const MARK: char = '\u{1}';
const MARK_IN_JSON: &[u8] = b"\"\\u0001";
const ESCAPED_MARK: &str = "\\u0001";

/// Renders a call with all that stays the same, and tells what is to be filled in, where there is anything.
///
/// # Errors
/// A sentence on a placeholder that cannot be.
pub fn compile(
    method: &str,
    mut params: Value,
    input_schema: Option<&Value>,
    dialect: &Dialect,
    scope: &mut Scope<'_>,
) -> Result<(Template, Option<Fill>), String> {
    let mut texts = Vec::new();
    mark(&mut params, scope, &mut texts)?;
    if let Some(head) = scope.token {
        sign(&mut params, head, &mut texts)?;
    }
    let tables = scope.tables.into();
    Ok(render(method, params, input_schema, dialect, texts, tables))
}

/// Renders a call in which nothing is a placeholder, whatever it looks like. `token` is the head of the token that it
/// carries in a run that is audited.
///
/// # Errors
/// A sentence, where it can carry none.
pub fn plain(
    method: &str,
    mut params: Value,
    input_schema: Option<&Value>,
    dialect: &Dialect,
    token: Option<&str>,
) -> Result<(Template, Option<Fill>), String> {
    let mut texts = Vec::new();
    if let Some(head) = token {
        if params.to_string().contains(ESCAPED_MARK) {
            return Err(format!(
                "{method} has the control character U+0001 in its parameters, so it can carry no token: run without --audit, or leave it out with --method or --skip-tool"
            ));
        }
        sign(&mut params, head, &mut texts)?;
    }
    Ok(render(
        method,
        params,
        input_schema,
        dialect,
        texts,
        Arc::default(),
    ))
}

fn render(
    method: &str,
    params: Value,
    input_schema: Option<&Value>,
    dialect: &Dialect,
    texts: Vec<Text>,
    tables: Arc<[Arc<Table>]>,
) -> (Template, Option<Fill>) {
    let arguments = params["arguments"].clone();
    let mut template = Template::new(method, params, dialect);
    if let Some(schema) = input_schema {
        template = template.with_param_headers(schema, &arguments);
    }
    if texts.is_empty() {
        return (template, None);
    }
    let routing = template.routing();
    let of_header = |value: &str| marked(&header::decode_value(value)?, &texts);
    let headers = routing.params.iter().enumerate();
    let fill = Fill {
        segments: segments(template.suffix(), &texts),
        name: routing.name.and_then(of_header),
        params: headers
            .filter_map(|(place, (_, value))| Some((place, of_header(value)?)))
            .collect(),
        tables,
    };
    (template, Some(fill))
}

/// The key in `_meta` under which a call says which one it is, for the server's audit file.
const TOKEN: &str = "mcpipe/token";

/// Gives a call its token: the head, which no other run and generator has, the client and the index of its call.
fn sign(params: &mut Value, head: &str, texts: &mut Vec<Text>) -> Result<(), String> {
    if params.is_null() {
        *params = Value::Object(Map::new());
    }
    let meta = params.as_object_mut().map(|members| {
        members
            .entry("_meta")
            .or_insert_with(|| Value::Object(Map::new()))
    });
    let Some(meta) = meta.and_then(Value::as_object_mut) else {
        return Err(
            "--audit puts a token into params._meta of each call, and here one of them is no object: write it as one, or run without --audit".to_owned(),
        );
    };
    meta.insert(TOKEN.to_owned(), mark_of(texts.len()).into());
    texts.push(Text {
        pieces: vec![
            Piece::Fixed(head.to_owned()),
            Piece::Hole(Hole::Client, 0),
            Piece::Fixed("/".to_owned()),
            Piece::Hole(Hole::Seq, 0),
        ],
        is_text: true,
    });
    Ok(())
}

fn mark_of(number: usize) -> String {
    format!("{MARK}{number}{MARK}")
}

/// Replaces each string that has placeholders by a mark.
pub(super) fn mark(
    value: &mut Value,
    scope: &mut Scope<'_>,
    texts: &mut Vec<Text>,
) -> Result<(), String> {
    match value {
        Value::String(text) => {
            if text.contains(MARK) {
                return Err(format!("{text:?} has the control character U+0001"));
            }
            if let Some(parsed) = scope.parse(text)? {
                *text = mark_of(texts.len());
                texts.push(parsed);
            }
            Ok(())
        }
        Value::Array(items) => items.iter_mut().try_for_each(|v| mark(v, scope, texts)),
        Value::Object(members) => members.values_mut().try_for_each(|v| mark(v, scope, texts)),
        _ => Ok(()),
    }
}

/// The text that a mark stands for.
fn marked(value: &str, texts: &[Text]) -> Option<Text> {
    let number = value.strip_prefix(MARK)?.strip_suffix(MARK)?;
    texts.get(number.parse::<usize>().ok()?).cloned()
}

/// Cuts a rendered message at its marks.
fn segments(mut rest: &[u8], texts: &[Text]) -> Vec<Segment> {
    let mut all = vec![Segment::Fixed(Vec::new())];
    while let Some(at) = memchr::memmem::find(rest, MARK_IN_JSON) {
        let (before, after) = (&rest[..at], &rest[at + MARK_IN_JSON.len()..]);
        let digits = after.iter().take_while(|b| b.is_ascii_digit()).count();
        let number = std::str::from_utf8(&after[..digits])
            .ok()
            .and_then(|n| n.parse::<usize>().ok());
        fixed(&mut all, before);
        if let Some(text) = number.and_then(|n| texts.get(n)) {
            text_segments(text, &mut all);
        }
        // The digits, the other mark, and the quote.
        rest = &after[digits + MARK_IN_JSON.len()..];
    }
    fixed(&mut all, rest);
    all
}

fn fixed(all: &mut Vec<Segment>, bytes: &[u8]) {
    match all.last_mut() {
        Some(Segment::Fixed(last)) => last.extend_from_slice(bytes),
        _ => all.push(Segment::Fixed(bytes.to_vec())),
    }
}

fn text_segments(text: &Text, all: &mut Vec<Segment>) {
    if let ([Piece::Hole(hole, number)], false) = (text.pieces.as_slice(), text.is_text) {
        return all.push(Segment::Value(hole.clone(), *number));
    }
    fixed(all, b"\"");
    for piece in &text.pieces {
        match piece {
            Piece::Fixed(text) => {
                let quoted = Value::from(text.as_str()).to_string();
                fixed(all, &quoted.as_bytes()[1..quoted.len() - 1]);
            }
            Piece::Hole(hole, number) => all.push(Segment::Inner(hole.clone(), *number)),
        }
    }
    fixed(all, b"\"");
}

impl Fill {
    /// Makes the call of this occasion.
    pub fn render(&self, template: &Template, occasion: &Occasion<'_>, filled: &mut Filled) {
        filled.suffix.clear();
        for segment in &self.segments {
            match segment {
                Segment::Fixed(bytes) => filled.suffix.extend_from_slice(bytes),
                Segment::Value(hole, number) => {
                    self.write(hole, *number, true, occasion, &mut filled.suffix);
                }
                Segment::Inner(hole, number) => {
                    self.write(hole, *number, false, occasion, &mut filled.suffix);
                }
            }
        }
        let encoded = |text: &Text| header::encode_value(&self.text(text, occasion)).into_owned();
        filled.name = self.name.as_ref().map(encoded);
        filled.params.clear();
        if !self.params.is_empty() {
            filled.params.extend_from_slice(template.routing().params);
        }
        for (place, text) in &self.params {
            filled.params[*place].1 = encoded(text);
        }
    }

    /// Writes a value as JSON (`whole`), or as it stands inside a JSON string.
    fn write(&self, hole: &Hole, number: u64, whole: bool, on: &Occasion<'_>, out: &mut Vec<u8>) {
        let throw = || {
            dice::throw(
                dice::throw(on.seed, number, u64::MAX),
                on.client.into(),
                on.index,
            )
        };
        let is_string = matches!(hole, Hole::Uuid | Hole::RandomString(_));
        if whole && is_string {
            out.push(b'"');
        }
        // Writing to memory does not fail.
        let _ = match hole {
            Hole::Seq => out.write_all(IdDigits::new().render(on.index)),
            Hole::Client => out.write_all(IdDigits::new().render(on.client.into())),
            Hole::Uuid => {
                let (a, b) = (throw(), dice::throw(throw(), 1, 1));
                write!(
                    out,
                    "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
                    a >> 32,
                    a >> 16 & 0xffff,
                    a & 0xfff,
                    b >> 48 & 0x3fff | 0x8000,
                    b & 0xffff_ffff_ffff
                )
            }
            Hole::RandomString(length) => {
                random_string(throw(), *length, out);
                Ok(())
            }
            Hole::RandomInt(low, high) => {
                let width = high.abs_diff(*low).saturating_add(1);
                write!(out, "{}", low.wrapping_add_unsigned(throw() % width))
            }
            Hole::Cell(table, column) => {
                let table = &self.tables[*table];
                let cell = table.cell(row(table, on), *column);
                out.write_all(if whole { &cell.json } else { &cell.inner }.as_bytes())
            }
            Hole::Taken(place) => match on.taken.get(*place) {
                Some(Some(cell)) => {
                    out.write_all(if whole { &cell.json } else { &cell.inner }.as_bytes())
                }
                // A step is made only once all that it needs was taken.
                _ => out.write_all(if whole { b"null" } else { b"" }),
            },
        };
        if whole && is_string {
            out.push(b'"');
        }
    }

    /// A text without any escaping, for a header.
    fn text(&self, text: &Text, on: &Occasion<'_>) -> String {
        let mut plain = String::new();
        for piece in &text.pieces {
            match piece {
                Piece::Fixed(text) => plain.push_str(text),
                Piece::Hole(Hole::Cell(table, column), _) => {
                    let table = &self.tables[*table];
                    plain.push_str(&table.cell(row(table, on), *column).text());
                }
                Piece::Hole(Hole::Taken(place), _) => {
                    if let Some(Some(cell)) = on.taken.get(*place) {
                        plain.push_str(&cell.text());
                    }
                }
                Piece::Hole(hole, number) => {
                    let mut bytes = Vec::new();
                    self.write(hole, *number, false, on, &mut bytes);
                    plain.push_str(&String::from_utf8_lossy(&bytes));
                }
            }
        }
        plain
    }
}

/// The row of a table that a call takes: the same one for all its placeholders.
fn row(table: &Table, on: &Occasion<'_>) -> u64 {
    let rows = table.rows();
    match table.order {
        Order::Rows => {
            let turn = on.index.wrapping_mul(u64::from(on.clients));
            turn.wrapping_add(u64::from(on.client)) % rows
        }
        Order::Random => dice::throw(!on.seed, u64::from(on.client) | 1 << 42, on.index) % rows,
    }
}

/// Letters and digits, five bits each.
fn random_string(mut throw: u64, length: usize, out: &mut Vec<u8>) {
    const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    for at in 0..length {
        if at % 12 == 0 {
            throw = dice::throw(throw, at as u64, 0);
        }
        out.push(ALPHABET[(throw >> (at % 12 * 5) & 31) as usize]);
    }
}

#[cfg(test)]
#[path = "fill_tests.rs"]
mod tests;
