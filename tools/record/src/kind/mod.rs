//! The kinds of record, one a file; each file's example is a line as a tool writes it.

mod abuse;
mod audit;
mod call;
mod end;
mod event;
mod fault;
mod heard;
mod interval;
mod ready;
mod sample;
mod sessions;
mod stage;
mod start;
mod summary;
mod target;
mod verdict;
mod warning;

pub use abuse::{Abuse, AbuseCount};
pub use audit::{Audit, AuditedCall};
pub use call::Call;
pub use end::End;
pub use event::Event;
pub use fault::Fault;
pub use heard::Heard;
pub use interval::Interval;
pub use ready::Ready;
pub use sample::Sample;
pub use sessions::Sessions;
pub use stage::Stage;
pub use start::Start;
pub use summary::{Dialect, Generator, Knee, KneeStep, Summary};
pub use target::Target;
pub use verdict::{Gate, Verdict};
pub use warning::Warning;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

macro_rules! bodies {
    ($($kind:ident $name:literal),* $(,)?) => {
        /// A record without its envelope; `type` says which.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(tag = "type", rename_all = "snake_case")]
        #[allow(missing_docs)]
        pub enum Body {
            $($kind(Box<$kind>)),*
        }

        $(impl From<$kind> for Body {
            fn from(body: $kind) -> Self {
                Self::$kind(Box::new(body))
            }
        })*

        impl Body {
            /// The `type` of every kind that these tools know.
            pub const TYPES: &'static [&'static str] = &[$($name),*];

            /// Writes the fields without `type`.
            pub(crate) fn serialize_fields<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                match self { $(Self::$kind(body) => body.serialize(s)),* }
            }

            /// The `type` of this one.
            #[must_use]
            pub fn type_name(&self) -> &'static str {
                match self { $(Self::$kind(_) => $name),* }
            }
        }

        /// An example line of each kind, as a tool wrote it: (type, line).
        pub const EXAMPLES: &[(&str, &str)] = &[
            $(($name, include_str!(concat!("examples/", $name, ".json")))),*
        ];

        /// The JSON Schema of a whole line of each kind: (type, schema).
        #[must_use]
        pub fn schemas() -> Vec<(&'static str, schemars::Schema)> {
            vec![$(($name, schemars::schema_for!($kind))),*]
        }
    };
}

bodies! {
    Start "start",
    Target "target",
    Ready "ready",
    Stage "stage",
    Interval "interval",
    Call "call",
    Abuse "abuse",
    Event "event",
    Fault "fault",
    Sample "sample",
    Warning "warning",
    Summary "summary",
    Verdict "verdict",
    End "end",
}
