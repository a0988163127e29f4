//! Values from files: a table out of CSV (with a head line) or JSON lines, whose rows templates draw from.

use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

/// `[data.NAME]` of a profile.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// The file; where it is no absolute path, it lies beside the profile.
    pub file: String,
    /// Which row a call takes.
    #[serde(default)]
    pub order: Order,
}

/// Which row a call takes.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Order {
    /// Row by row: the clients take turns, and begin anew at the end.
    #[default]
    Rows,
    /// By the seed.
    Random,
}

/// A table in memory.
#[derive(Debug)]
pub struct Table {
    /// What templates call it.
    pub name: String,
    /// Which row a call takes.
    pub order: Order,
    /// The columns' names.
    pub columns: Vec<String>,
    cells: Vec<Cell>,
}

/// A JSON value, ready to be put into a message.
#[derive(Clone, Debug)]
pub struct Cell {
    /// The value as JSON.
    pub json: Box<str>,
    /// The same as the inside of a JSON string, escaped.
    pub inner: Box<str>,
}

/// More belongs into a database.
const MAX_FILE_BYTES: u64 = 64 << 20;

impl From<&Value> for Cell {
    fn from(value: &Value) -> Self {
        let json = value.to_string();
        let quoted = match value {
            Value::String(_) => json.clone(),
            other => Value::from(other.to_string()).to_string(),
        };
        Self {
            inner: quoted[1..quoted.len() - 1].into(),
            json: json.into(),
        }
    }
}

impl Cell {
    /// The value as plain text.
    #[must_use]
    pub fn text(&self) -> String {
        match serde_json::from_str(&self.json) {
            Ok(Value::String(text)) => text,
            _ => self.json.to_string(),
        }
    }
}

impl Table {
    /// Reads a table; `folder` is where its profile lies.
    ///
    /// # Errors
    /// A sentence, with the line where one is to blame.
    pub fn load(name: &str, source: &Source, folder: &Path) -> Result<Self, String> {
        let path = folder.join(&source.file);
        let told = |why: String| format!("{}: {why}", path.display());
        let said = |e: std::io::Error| told(format!("cannot be read: {e}"));
        let length = std::fs::metadata(&path).map_err(said)?.len();
        if length > MAX_FILE_BYTES {
            return Err(told(format!(
                "is {length} bytes long, and all of it has to be in memory: give at most {MAX_FILE_BYTES}"
            )));
        }
        let text = std::fs::read_to_string(&path).map_err(said)?;
        let (columns, cells) = match path.extension().and_then(|e| e.to_str()) {
            Some("csv") => csv_cells(&text).map_err(told)?,
            Some("jsonl" | "ndjson") => json_cells(&text).map_err(told)?,
            _ => return Err(told("is neither .csv nor .jsonl".to_owned())),
        };
        if cells.is_empty() {
            return Err(told("has no row".to_owned()));
        }
        Ok(Self {
            name: name.to_owned(),
            order: source.order,
            columns,
            cells,
        })
    }

    /// How many rows there are, at least 1.
    #[must_use]
    pub fn rows(&self) -> u64 {
        (self.cells.len() / self.columns.len()) as u64
    }

    /// A cell, by the indices of its row and its column.
    #[must_use]
    pub fn cell(&self, row: u64, column: usize) -> &Cell {
        &self.cells[row as usize * self.columns.len() + column]
    }
}

type Cells = (Vec<String>, Vec<Cell>);

fn csv_cells(text: &str) -> Result<Cells, String> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let said = |e: csv::Error| format!("is no CSV: {e}");
    let columns: Vec<String> = reader
        .headers()
        .map_err(said)?
        .iter()
        .map(str::to_owned)
        .collect();
    let mut cells = Vec::new();
    for record in reader.records() {
        let record = record.map_err(said)?;
        cells.extend(record.iter().map(|text| Cell::from(&Value::from(text))));
    }
    Ok((columns, cells))
}

/// Each line is an object; the first one's keys are the columns, and the others have them too.
fn json_cells(text: &str) -> Result<Cells, String> {
    let mut columns: Vec<String> = Vec::new();
    let mut cells = Vec::new();
    let lines = text.lines().enumerate();
    for (number, line) in lines.filter(|(_, line)| !line.trim().is_empty()) {
        let row: BTreeMap<String, Value> = serde_json::from_str(line)
            .map_err(|e| format!("line {} is no JSON object: {e}", number + 1))?;
        if columns.is_empty() {
            columns = row.keys().cloned().collect();
        }
        for column in &columns {
            let value = row.get(column).ok_or_else(|| {
                format!("line {} has no {column:?}, which line 1 has", number + 1)
            })?;
            cells.push(Cell::from(value));
        }
    }
    Ok((columns, cells))
}
