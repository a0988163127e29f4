//! The envelope: what every record carries besides its own fields.

use crate::kind::Body;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The version of the format. It rises when a field is renamed or a unit changes, never for an added field.
pub const VERSION: u32 = 1;

/// A line may have this many bytes, its `\n` included; longer ones are passed on without being looked at.
pub const MAX_LINE_BYTES: usize = 1024 * 1024;

/// A text inside a record is cut to this many bytes.
pub const MAX_TEXT_BYTES: usize = 4 * 1024;

/// A whole record: the envelope and its body. (run, from, seq) is unique.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Record {
    /// The version of the format, 1. A hand-written line may leave it out.
    #[serde(default = "version")]
    pub v: u32,
    /// One id for the run of the whole pipeline.
    #[serde(default)]
    pub run: String,
    /// Tool and instance: `mcp-gen#3f2a9c`.
    #[serde(default)]
    pub from: String,
    /// Counts up from 0 within `from`.
    #[serde(default)]
    pub seq: u64,
    /// Unix microseconds at writing.
    #[serde(default)]
    pub ts_us: u64,
    /// The fields of its kind, and `type`.
    #[serde(flatten)]
    pub body: Body,
}

impl Record {
    /// Parses a line (with or without its `\n`).
    ///
    /// # Errors
    /// serde_json's, for what is no record of a kind in [`Body`].
    pub fn parse(line: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(line)
    }
}

const fn version() -> u32 {
    VERSION
}

/// Who writes: the same in every record of one tool process.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The run's id.
    pub run: String,
    /// Tool and instance.
    pub from: String,
}

impl Identity {
    /// The identity of a tool that joins `run`, or starts one where there is none (or none that may be used).
    #[must_use]
    pub fn join(tool: &str, run: Option<&str>) -> Self {
        let run = run.filter(|r| crate::run_id::is_valid_run(r));
        Self {
            run: run.map_or_else(crate::run_id::new_run, str::to_owned),
            from: crate::run_id::new_instance(tool),
        }
    }

    /// Appends a record as a line. One that would be too long is replaced by a warning that says so.
    pub fn encode(&self, seq: u64, ts_us: u64, body: &Body, out: &mut Vec<u8>) {
        #[derive(Serialize)]
        struct Line<'a> {
            v: u32,
            // `type` comes second, so that a reader finds it without going through the whole line.
            #[serde(rename = "type")]
            kind: &'static str,
            run: &'a str,
            from: &'a str,
            seq: u64,
            ts_us: u64,
            #[serde(flatten)]
            fields: Fields<'a>,
        }
        let from = out.len();
        let kind = body.type_name();
        let line = Line {
            v: VERSION,
            kind,
            run: &self.run,
            from: &self.from,
            seq,
            ts_us,
            fields: Fields(body),
        };
        // A Vec takes all bytes, and our bodies have string keys only: this cannot fail.
        let written = serde_json::to_writer(&mut *out, &line);
        debug_assert!(written.is_ok(), "{written:?}");
        if out.len() - from >= MAX_LINE_BYTES {
            out.truncate(from);
            let text = format!("a {kind} record was longer than 1 MiB and was left out");
            self.encode(
                seq,
                ts_us,
                &crate::kind::Warning::new("record_too_long", text).into(),
                out,
            );
            return;
        }
        out.push(b'\n');
    }
}

/// A body without its tag: `type` is written by the line itself, in front.
struct Fields<'a>(&'a Body);

impl Serialize for Fields<'_> {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        self.0.serialize_fields(s)
    }
}

/// Cuts a text to [`MAX_TEXT_BYTES`] at a character's edge, with an ellipsis where something is gone.
#[must_use]
pub fn cut(mut text: String) -> String {
    if text.len() > MAX_TEXT_BYTES {
        let end = text.floor_char_boundary(MAX_TEXT_BYTES - '…'.len_utf8());
        text.truncate(end);
        text.push('…');
    }
    text
}
