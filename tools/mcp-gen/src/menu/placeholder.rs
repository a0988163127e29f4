//! Placeholders in the strings of a profile: `{{seq}}`, `{{uuid}}`, `{{random_string 128}}`, `{{users.name}}`, ….

use crate::profile::Table;
use std::sync::Arc;

/// What stands for something that differs from call to call.
#[derive(Clone, Debug)]
pub enum Hole {
    /// The index of the client's call, from 0.
    Seq,
    /// The client's number, from 0.
    Client,
    /// A version 4 UUID (RFC 9562).
    Uuid,
    /// So many letters and digits.
    RandomString(usize),
    /// A whole number between these two, both included.
    RandomInt(i64, i64),
    /// A cell of a table: its index, and its column's.
    Cell(usize, usize),
    /// What an earlier step has taken: its place.
    Taken(usize),
}

/// A piece of a text.
#[derive(Clone, Debug)]
pub enum Piece {
    /// As it stands.
    Fixed(String),
    /// To be filled in; the number tells it from others of its kind.
    Hole(Hole, u64),
}

/// A text with placeholders.
#[derive(Clone, Debug)]
pub struct Text {
    /// Its pieces.
    pub pieces: Vec<Piece>,
    /// Whether the value is a string also where it is one placeholder alone (`{{text seq}}`).
    pub is_text: bool,
}

/// What placeholders may name.
#[derive(Default)]
pub struct Scope<'a> {
    /// The profile's tables.
    pub tables: &'a [Arc<Table>],
    /// What earlier steps have taken, by place.
    pub taken: Vec<String>,
    /// How many holes there are so far.
    pub holes: u64,
    /// The head of the token that each call carries, in a run that is audited.
    pub token: Option<&'a str>,
}

/// The longest random string.
const MAX_STRING: usize = 1 << 20;

impl Scope<'_> {
    /// Reads a text; `None` where it has no placeholder.
    ///
    /// # Errors
    /// A sentence on the placeholder that cannot be.
    pub fn parse(&mut self, text: &str) -> Result<Option<Text>, String> {
        if !text.contains("{{") {
            return Ok(None);
        }
        let mut pieces = Vec::new();
        let mut is_text = false;
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            let (inside, behind) = after.split_once("}}").ok_or_else(|| {
                format!("{text:?} has {{{{ without }}}}: write {{{{open}}}} for two braces")
            })?;
            if !before.is_empty() {
                pieces.push(Piece::Fixed(before.to_owned()));
            }
            let mut words: Vec<&str> = inside.split_whitespace().collect();
            if words.len() > 1 && words[0] == "text" {
                is_text = true;
                words.remove(0);
            }
            pieces.push(match words.as_slice() {
                ["open"] => Piece::Fixed("{{".to_owned()),
                words => {
                    self.holes += 1;
                    Piece::Hole(self.hole(inside, words)?, self.holes)
                }
            });
            rest = behind;
        }
        if !rest.is_empty() {
            pieces.push(Piece::Fixed(rest.to_owned()));
        }
        Ok(Some(Text { pieces, is_text }))
    }

    fn hole(&self, inside: &str, words: &[&str]) -> Result<Hole, String> {
        let inside = inside.trim();
        match words {
            ["seq"] => Ok(Hole::Seq),
            ["client"] => Ok(Hole::Client),
            ["uuid"] => Ok(Hole::Uuid),
            ["random_string", length] => match length.parse() {
                Ok(length) if length <= MAX_STRING => Ok(Hole::RandomString(length)),
                _ => Err(format!(
                    "{{{{{inside}}}}}: random_string has a length of at most {MAX_STRING} characters"
                )),
            },
            ["random_int", low, high] => match (low.parse(), high.parse()) {
                (Ok(low), Ok(high)) if low <= high => Ok(Hole::RandomInt(low, high)),
                _ => Err(format!(
                    "{{{{{inside}}}}}: random_int has two whole numbers, the lower one first"
                )),
            },
            [name] => self.named(name),
            _ => Err(unknown(inside)),
        }
    }

    /// A value that an earlier step has taken, or a column of a table.
    fn named(&self, name: &str) -> Result<Hole, String> {
        if let Some(place) = self.taken.iter().position(|t| t == name) {
            return Ok(Hole::Taken(place));
        }
        let Some((table, column)) = name.split_once('.') else {
            return Err(unknown(name));
        };
        let Some(at) = self.tables.iter().position(|t| t.name == table) else {
            return Err(format!(
                "{{{{{name}}}}} names a table that is not there: write [data.{table}] with its file"
            ));
        };
        let columns = &self.tables[at].columns;
        match columns.iter().position(|c| c == column) {
            Some(column) => Ok(Hole::Cell(at, column)),
            None => Err(format!(
                "the table {table} has no column {column:?}; it has: {}",
                columns.join(", ")
            )),
        }
    }
}

fn unknown(inside: &str) -> String {
    format!(
        "{{{{{inside}}}}} is no placeholder: use seq, client, uuid, random_string N, random_int LOW HIGH, TABLE.COLUMN, or a name that an earlier step of the sequence takes"
    )
}
