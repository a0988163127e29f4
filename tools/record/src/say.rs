//! Speaks to people: on stderr, with the tool's name in front.

use std::io::Write as _;
use std::sync::Mutex;

/// How a tool speaks to people; `--quiet` silences all but errors.
pub struct Say {
    tool: &'static str,
    quiet: bool,
    /// A progress bar must be lifted while a line is written; this runs the write in between.
    around: Mutex<Option<Around>>,
}

type Around = Box<dyn Fn(&mut dyn FnMut()) + Send>;

impl Say {
    /// Speaks as `tool`.
    #[must_use]
    pub fn new(tool: &'static str, quiet: bool) -> Self {
        Self {
            tool,
            quiet,
            around: Mutex::new(None),
        }
    }

    /// Whether only errors are said.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Says something, unless `--quiet`.
    pub fn note(&self, text: &str) {
        if !self.quiet {
            self.line(text);
        }
    }

    /// Says what went wrong, always.
    pub fn error(&self, text: &str) {
        self.line(text);
    }

    /// From now on each line is written from within `around`, which lifts a progress bar meanwhile.
    pub fn set_around(&self, around: impl Fn(&mut dyn FnMut()) + Send + 'static) {
        if let Ok(mut slot) = self.around.lock() {
            *slot = Some(Box::new(around));
        }
    }

    fn line(&self, text: &str) {
        // One write a line, so that the tools of a pipeline don't cut into each other; control characters from
        // a server's words must not reach the terminal.
        let clean: String = text
            .chars()
            .map(|c| {
                if c.is_control() && c != '\n' {
                    '\u{fffd}'
                } else {
                    c
                }
            })
            .collect();
        let line = format!("{}: {clean}\n", self.tool);
        let mut write = || {
            let _ = std::io::stderr().write_all(line.as_bytes());
        };
        match self.around.lock() {
            Ok(slot) if slot.is_some() => {
                if let Some(around) = slot.as_ref() {
                    around(&mut write);
                }
            }
            _ => write(),
        }
    }
}
