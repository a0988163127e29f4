//! Valid arguments for a tool that nobody here has seen before, made up from its `inputSchema`.
//!
//! JSON Schema 2020-12, and draft-07 where it differs, as far as servers use them: see [`arguments`].

mod build;
mod container;
mod fill;
mod fits;
mod flat;
mod format;
mod matcher;
mod number;
mod pattern;
mod random;
mod regex;
mod text;

use serde_json::{Value, json};
use thiserror::Error;

use build::Builder;

/// What the arguments should be like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Want {
    /// How long the arguments should be as JSON, in bytes, if some string may be of any length;
    /// 0 leaves them as short as they come. At most 1 MiB is made up.
    pub payload_bytes: usize,
    /// The same schema and seed give the same arguments.
    pub seed: u64,
}

/// Why no arguments can be made up.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("no arguments can be made up, since {path} {why}: give them with --args")]
pub struct Unbuildable {
    /// The property, as in `order.items[0].sku`, or "the schema".
    pub path: String,
    /// What about it, as the rest of a sentence.
    pub why: String,
}

/// The longest string and the longest payload that is made up, in bytes.
pub(crate) const MAX_TEXT_BYTES: usize = 1 << 20;

/// Makes up arguments that are valid under `schema`.
///
/// All required properties are there and no others, but for one optional string where the payload
/// needs room. Where it can choose it takes `const`, `enum`, `examples` and `default` first, small
/// numbers (a tool may do something *n* times) and the first branch of `oneOf` and `anyOf` that works.
///
/// # Errors
/// [`Unbuildable`] where the schema allows nothing, refers to itself without end, points outside
/// itself, wants a string whose pattern is beyond us, or is larger than a tool's schema may be.
pub fn arguments(schema: &Value, want: &Want) -> Result<Value, Unbuildable> {
    // MCP calls always carry an object, whether the schema insists or not.
    let object = json!({"type": "object"});
    let mut builder = Builder::new(schema, want.seed);
    let short = builder.arguments(&object)?;
    let long = builder.fill(short.clone(), want.payload_bytes.min(MAX_TEXT_BYTES));
    for candidate in [long, short] {
        if fits::fits(schema, schema, &candidate) {
            return Ok(candidate);
        }
    }
    Err(Unbuildable {
        path: "the schema".to_owned(),
        why: "combines conditions in a way that is not understood here".to_owned(),
    })
}
