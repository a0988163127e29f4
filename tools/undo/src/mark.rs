//! The mark that a child and all its descendants carry in their environment.

/// Environment variable with the run's id.
const RUN: &str = "MCPIPE_RUN";
/// Environment variable with the tool and its instance, `mcp-deploy#3f2a`.
const FROM: &str = "MCPIPE_FROM";
/// Environment variable with the id of the journal entry.
const CHILD: &str = "MCPIPE_CHILD";

/// The names of the three variables, for those that must not inherit them.
pub(crate) const VARIABLES: [&str; 3] = [RUN, FROM, CHILD];

/// Whose child: all three must be equal, so that one tool never ends another tool's children, nor one replica its sibling.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Mark {
    /// The run's id.
    pub run: String,
    /// The tool and its instance.
    pub from: String,
    /// The id of the journal entry.
    pub child: String,
}

impl Mark {
    /// The variables to set, with their values.
    pub fn variables(&self) -> [(&'static str, &str); 3] {
        [
            (RUN, self.run.as_str()),
            (FROM, self.from.as_str()),
            (CHILD, self.child.as_str()),
        ]
    }

    /// The mark in the bytes of a /proc/PID/environ.
    pub(crate) fn in_environ(environ: &[u8]) -> Option<Self> {
        let mut values = [None, None, None];
        for variable in environ.split(|&byte| byte == 0) {
            for (name, value) in VARIABLES.iter().zip(values.iter_mut()) {
                if let Some(rest) = variable
                    .strip_prefix(name.as_bytes())
                    .and_then(|rest| rest.strip_prefix(b"="))
                {
                    *value = Some(String::from_utf8_lossy(rest).into_owned());
                }
            }
        }
        let [run, from, child] = values;
        Some(Self {
            run: run?,
            from: from?,
            child: child?,
        })
    }
}
