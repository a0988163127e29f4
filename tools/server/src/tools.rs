//! The tools: what they are called, what they take, and what they do.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::level::Level;
use crate::reply::push_json;
use crate::subscriptions::Instant;

/// The most that `echo` takes and `payload` gives, in characters: a quarter of the usual frame limit,
/// so that an answer fits even where each character is escaped.
pub(crate) const LARGEST_TEXT: usize = 1 << 20;

/// What a call of a tool came to.
#[derive(Debug, PartialEq)]
pub(crate) enum Outcome {
    /// `content` and, where it failed, `isError`: the fields of the result.
    Done(String),
    /// The same after some more work.
    After(u64, String),
    /// `n` notifications `every_ns` apart, then the fields.
    Steps {
        n: u32,
        every_ns: u64,
        fields: String,
    },
    /// `n` log messages of a level, where the client wants them, then the fields.
    Log {
        n: u32,
        level: Level,
        fields: String,
    },
    /// The text resource of this number is to change.
    Touch(usize),
    /// Arguments that do not fit the schema: `isError` with this sentence (2025-11-25, tools).
    Failed(String),
}

/// A tool as `tools/list` shows it.
struct Listed {
    name: &'static str,
    text: &'static str,
    schema: &'static str,
    /// Only the tools that are cheap and succeed say `readOnlyHint`: a generator calls those unless it
    /// is told otherwise, so a default load meets neither `slow` nor `fail`.
    read_only: bool,
}

const LISTED: [Listed; 8] = [
    Listed {
        name: "echo",
        text: "Gives the message back.",
        schema: r#"{"message":{"type":"string","maxLength":1048576,"description":"what to give back"}},"required":["message"]"#,
        read_only: true,
    },
    Listed {
        name: "add",
        text: "Adds two numbers.",
        schema: r#"{"a":{"type":"number","minimum":-1000000000000000,"maximum":1000000000000000},"b":{"type":"number","minimum":-1000000000000000,"maximum":1000000000000000}},"required":["a","b"]"#,
        read_only: true,
    },
    Listed {
        name: "slow",
        text: "Answers after some milliseconds, beyond the server's own latency; can be cancelled.",
        schema: r#"{"ms":{"type":"integer","minimum":0,"maximum":60000,"description":"how long to work"}},"required":["ms"]"#,
        read_only: false,
    },
    Listed {
        name: "fail",
        text: "Always fails, with isError.",
        schema: "{}",
        read_only: false,
    },
    Listed {
        name: "payload",
        text: "Gives a text of so many bytes.",
        schema: r#"{"bytes":{"type":"integer","minimum":0,"maximum":1048576,"description":"length of the text"}},"required":["bytes"]"#,
        read_only: false,
    },
    Listed {
        name: "progress",
        text: "Sends n notifications of progress to a client that gave a progressToken, then answers.",
        schema: r#"{"n":{"type":"integer","minimum":1,"maximum":1000,"description":"how many notifications"},"every_ms":{"type":"integer","minimum":0,"maximum":10000,"default":0,"description":"time between two of them"}},"required":["n"]"#,
        read_only: false,
    },
    Listed {
        name: "log",
        text: "Sends n log messages of a level to a client that wants such, then answers.",
        schema: r#"{"n":{"type":"integer","minimum":1,"maximum":1000,"default":1,"description":"how many messages"},"level":{"type":"string","enum":["debug","info","notice","warning","error","critical","alert","emergency"],"default":"info"}}"#,
        read_only: false,
    },
    Listed {
        name: "touch",
        text: "Changes the text resource mcpipe://text/n; who has subscribed to it is told.",
        schema: r#"{"n":{"type":"integer","minimum":1,"maximum":10000,"default":1,"description":"which text"}}"#,
        read_only: false,
    },
];

/// The tools as JSON texts for `tools/list`.
pub(crate) fn listed() -> Vec<String> {
    LISTED.iter().map(Listed::render).collect()
}

impl Listed {
    fn render(&self) -> String {
        let annotations = if self.read_only {
            r#","annotations":{"readOnlyHint":true,"openWorldHint":false}"#
        } else {
            ""
        };
        format!(
            r#"{{"name":"{}","description":"{}","inputSchema":{{"type":"object","properties":{},"additionalProperties":false}}{annotations}}}"#,
            self.name, self.text, self.schema
        )
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Echo<'a> {
    #[serde(borrow)]
    message: &'a RawValue,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Add {
    a: f64,
    b: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Slow {
    ms: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Payload {
    bytes: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Touch {
    #[serde(default = "one")]
    n: usize,
}

fn one() -> usize {
    1
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Log {
    #[serde(default = "one_message")]
    n: u32,
    #[serde(default = "info")]
    level: String,
}

fn one_message() -> u32 {
    1
}

fn info() -> String {
    String::from("info")
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Progress {
    n: u32,
    #[serde(default)]
    every_ms: u64,
}

/// Calls a tool; `None` where there is none of that name.
pub(crate) fn call(name: &str, arguments: Option<&RawValue>) -> Option<Outcome> {
    let raw = arguments.map_or("{}", RawValue::get);
    let outcome = match name {
        "echo" => echo(raw),
        "add" => read(raw).and_then(|Add { a, b }| {
            let fits = |n: f64| (-1e15..=1e15).contains(&n);
            if !(fits(a) && fits(b)) {
                return Err(String::from("a and b must be from -1e15 to 1e15"));
            }
            // Below 2^53 f64 prints integers exactly, and without a point.
            Ok(Outcome::Done(content(&quoted(&(a + b).to_string()))))
        }),
        "slow" => read(raw).and_then(|Slow { ms }| match ms {
            0..=60_000 => Ok(Outcome::After(ms * 1_000_000, content(r#""done""#))),
            _ => Err(String::from("ms must be from 0 to 60000")),
        }),
        "fail" => read(raw).and_then(|Nothing {}| Err(String::from("this tool always fails"))),
        "payload" => read(raw).and_then(|Payload { bytes }| match bytes {
            0..=LARGEST_TEXT => Ok(Outcome::Done(content(&quoted(&"x".repeat(bytes))))),
            _ => Err(format!("bytes must be from 0 to {LARGEST_TEXT}")),
        }),
        "progress" => read(raw).and_then(|Progress { n, every_ms }| match (n, every_ms) {
            (1..=1000, 0..=10_000) => Ok(Outcome::Steps {
                n,
                every_ns: every_ms * 1_000_000,
                fields: content(r#""done""#),
            }),
            _ => Err(String::from(
                "n must be from 1 to 1000 and every_ms from 0 to 10000",
            )),
        }),
        "log" => read(raw).and_then(|Log { n, level }| match (n, Level::named(&level)) {
            (1..=1000, Some(level)) => Ok(Outcome::Log {
                n,
                level,
                fields: content(r#""done""#),
            }),
            _ => Err(String::from(
                "n must be from 1 to 1000, and level one of debug, info, notice, warning, error, critical, alert, emergency",
            )),
        }),
        "touch" => read(raw).map(|Touch { n }| Outcome::Touch(n)),
        _ => return None,
    };
    Some(outcome.unwrap_or_else(|sentence| Outcome::Failed(failed(&sentence))))
}

/// The fields of a result that says why the tool failed.
pub(crate) fn failed(sentence: &str) -> String {
    content(&quoted(sentence)) + r#","isError":true"#
}

/// The fields of `touch`'s result, the instant of the change among them.
pub(crate) fn touched(uri: &str, version: u64, changed: Instant) -> String {
    let text = content(&quoted(&format!("{uri} has version {version}")));
    format!(
        r#"{text},"structuredContent":{{"uri":"{uri}","version":{version},{}}}"#,
        changed.fields()
    )
}

/// The string comes back as it came, escapes and all: it is read once and copied once.
fn echo(raw: &str) -> Result<Outcome, String> {
    let Echo { message } = read(raw)?;
    let message = message.get();
    if !message.starts_with('"') {
        return Err(String::from("message must be a string"));
    }
    // No text has more characters than bytes, so only a long one is worth counting.
    if message.len() > LARGEST_TEXT {
        let text: String = serde_json::from_str(message).map_err(|error| error.to_string())?;
        if text.chars().count() > LARGEST_TEXT {
            return Err(format!(
                "message must have at most {LARGEST_TEXT} characters"
            ));
        }
    }
    Ok(Outcome::Done(content(message)))
}

fn read<'a, T: Deserialize<'a>>(raw: &'a str) -> Result<T, String> {
    // serde would take an array for the fields in order.
    if !raw.starts_with('{') {
        return Err(String::from("arguments must be an object"));
    }
    serde_json::from_str(raw).map_err(|error| error.to_string())
}

fn quoted(text: &str) -> String {
    let mut json = String::with_capacity(text.len() + 2);
    push_json(&mut json, text);
    json
}

fn content(json_string: &str) -> String {
    let mut fields = String::with_capacity(json_string.len() + 48);
    fields.push_str(r#""content":[{"type":"text","text":"#);
    fields.push_str(json_string);
    fields.push_str("}]");
    fields
}
