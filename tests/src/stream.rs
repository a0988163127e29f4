//! A stream as a test reads it: lines as plain JSON values, held against the contract and not against our own types.

use crate::schemas;
use serde_json::Value;
use std::collections::BTreeMap;

/// A line of a stream.
#[derive(Debug, Clone)]
pub struct Line {
    /// Its bytes, without `\n`.
    pub bytes: Vec<u8>,
    /// What it says, where it is JSON.
    pub value: Option<Value>,
}

impl Line {
    /// The tool that wrote it (`mcp-gen`); `None` where no tool of ours did.
    #[must_use]
    pub fn tool(&self) -> Option<&str> {
        let value = self.value.as_ref()?;
        value.get("seq")?;
        let (tool, _) = value.get("from")?.as_str()?.split_once('#')?;
        tool.starts_with("mcp-").then_some(tool)
    }
}

/// All lines of a stream.
#[derive(Debug, Clone)]
pub struct Stream {
    /// In order.
    pub lines: Vec<Line>,
}

impl Stream {
    /// Cuts bytes into lines.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Self {
        let whole = bytes.strip_suffix(b"\n").unwrap_or(bytes);
        let lines = whole
            .split(|&b| b == b'\n')
            .filter(|_| !bytes.is_empty())
            .map(|line| Line {
                bytes: line.to_vec(),
                value: serde_json::from_slice(line).ok(),
            })
            .collect();
        Self { lines }
    }

    /// The records that our tools wrote.
    pub fn records(&self) -> impl Iterator<Item = &Value> {
        self.lines
            .iter()
            .filter(|line| line.tool().is_some())
            .filter_map(|line| line.value.as_ref())
    }

    /// Those of one type.
    #[must_use]
    pub fn of(&self, kind: &str) -> Vec<&Value> {
        self.records().filter(|r| r["type"] == kind).collect()
    }

    /// Those of one type from one tool.
    #[must_use]
    pub fn from(&self, tool: &str, kind: &str) -> Vec<&Value> {
        let prefix = format!("{tool}#");
        self.of(kind)
            .into_iter()
            .filter(|r| r["from"].as_str().is_some_and(|f| f.starts_with(&prefix)))
            .collect()
    }

    /// The warnings with this code.
    #[must_use]
    pub fn warnings(&self, code: &str) -> Vec<&Value> {
        self.of("warning")
            .into_iter()
            .filter(|w| w["code"] == code)
            .collect()
    }

    /// The only record of one type from one tool.
    ///
    /// # Panics
    /// Where there is none, or more than one.
    #[must_use]
    #[track_caller]
    pub fn only(&self, tool: &str, kind: &str) -> &Value {
        let all = self.from(tool, kind);
        assert_eq!(all.len(), 1, "{kind} records of {tool}: {all:#?}");
        all[0]
    }

    /// The final summary of the only generator.
    ///
    /// # Panics
    /// Where there is none, or more than one.
    #[must_use]
    #[track_caller]
    pub fn totals(&self) -> &Value {
        let finals: Vec<_> = self
            .of("summary")
            .into_iter()
            .filter(|s| s["final"] == true)
            .collect();
        assert_eq!(finals.len(), 1, "final summaries: {finals:#?}");
        finals[0]
    }

    /// Holds every record of our tools against the contract.
    ///
    /// # Panics
    /// With the first record that breaks it.
    #[must_use]
    #[track_caller]
    pub fn checked(self) -> Self {
        let mut next: BTreeMap<(String, String), u64> = BTreeMap::new();
        let mut ended: Vec<String> = Vec::new();
        let mut targets = 0;
        let mut run = None;
        for line in self.lines.iter().filter(|l| l.tool().is_some()) {
            let Some(r) = &line.value else { continue };
            if let Some(fault) = schemas::fault_of(r) {
                panic!("{} {}: {fault}", r["from"], r["type"]);
            }
            assert!(
                line.bytes.len() < record::MAX_LINE_BYTES,
                "a record of {} bytes",
                line.bytes.len()
            );
            exact_for_jq(r);
            let text = |field: &str| {
                r[field]
                    .as_str()
                    .expect("the schema says string")
                    .to_owned()
            };
            let (from, kind) = (text("from"), text("type"));
            let run = run.get_or_insert_with(|| text("run"));
            assert_eq!(*run, text("run"), "two runs in one stream: {r}");
            // Unique, without a gap and in order: a prefix of 0, 1, 2, …
            let seq = next.entry((run.clone(), from.clone())).or_default();
            assert_eq!(r["seq"], *seq, "seq of {from}: {r}");
            assert_eq!(
                *seq == 0,
                kind == "start",
                "start comes first and once: {r}"
            );
            *seq += 1;
            assert!(!ended.contains(&from), "{from} spoke after its end: {r}");
            match kind.as_str() {
                "target" => targets += 1,
                "start" => assert_eq!(targets, 0, "a start behind a target: {r}"),
                "end" => {
                    assert_eq!(r["written"], *seq, "{r}");
                    ended.push(from);
                }
                _ => {}
            }
        }
        self
    }
}

/// Integers that jq would round, and texts longer than 4 KiB.
#[track_caller]
fn exact_for_jq(value: &Value) {
    match value {
        Value::Number(n) => assert!(
            n.is_f64() || n.as_i64().is_some_and(|i| i.unsigned_abs() < 1 << 53),
            "{n} is not exact in jq"
        ),
        Value::Array(items) => items.iter().for_each(exact_for_jq),
        Value::Object(fields) => {
            for (name, field) in fields {
                exact_for_jq(field);
                let limited = name != "hdr";
                let length = field.as_str().map_or(0, str::len);
                assert!(
                    !limited || length <= record::MAX_TEXT_BYTES,
                    "{name} has {length} bytes"
                );
            }
        }
        _ => {}
    }
}
