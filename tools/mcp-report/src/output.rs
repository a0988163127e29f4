//! Gives the report to whoever asked: stdout in its form, a JSON file, and a few sentences on stderr.

use crate::cli::{Cli, Format};
use crate::conclude::Conclusion;
use crate::page::{Stages, page};
use crate::{json, markdown, terminal};
use anyhow::Context as _;
use record::Say;
use std::fs;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::Path;

/// Writes everything that was asked for.
pub fn give(of: &Conclusion, cli: &Cli, say: &Say) -> anyhow::Result<()> {
    for sentence in &of.fatal {
        say.error(sentence);
    }
    // On a terminal the page itself has them.
    if cli.format != Format::Table || !io::stdout().is_terminal() {
        for warning in of.report.warnings.iter().filter(|w| w.code != "fatal") {
            say.note(&warning.line());
        }
    }
    // The file first: whoever reads stdout may have left, and CI still wants it.
    if let Some(path) = &cli.json {
        replace(path, &json::pretty(of)?)
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    let stages = Stages::of(cli.stage.as_deref());
    let bytes = match cli.format {
        Format::Json => json::line(of)?,
        Format::Markdown => markdown::draw(&page(of, &stages)).into_bytes(),
        Format::Table => {
            let (columns, colour) = looks();
            terminal::draw(&page(of, &stages), columns, colour).into_bytes()
        }
    };
    let mut stdout = io::stdout().lock();
    match stdout.write_all(&bytes).and_then(|()| stdout.flush()) {
        // `| head` has seen enough; the verdict's exit status still counts.
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other.context("cannot write stdout"),
    }
}

/// The width, and whether colour is wanted.
fn looks() -> (usize, bool) {
    let stdout = io::stdout();
    if !stdout.is_terminal() {
        return (terminal::DEFAULT_COLUMNS, false);
    }
    let size = rustix::termios::tcgetwinsize(&stdout).map_or(0, |size| size.ws_col);
    let columns = if size == 0 {
        terminal::DEFAULT_COLUMNS
    } else {
        usize::from(size)
    };
    let plain = std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty())
        || std::env::var_os("TERM").is_some_and(|t| t == "dumb");
    (columns, !plain)
}

/// Writes a file so that a reader sees the old one or the new one, never half of it.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // A device or a pipe (/dev/stderr, process substitution) cannot be replaced by a rename.
    if fs::metadata(path).is_ok_and(|m| !m.is_file()) {
        return fs::write(path, bytes);
    }
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(format!(".{}.tmp", std::process::id()));
    let written = fs::File::create(&temporary)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    written
}
