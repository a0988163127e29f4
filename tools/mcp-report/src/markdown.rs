//! Draws the page as Markdown, for a merge request or a job's summary.

use crate::page::{Block, Table};
use crate::show;
use std::fmt::Write as _;

/// Draws the page.
pub fn draw(blocks: &[Block]) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    for block in blocks {
        let _ = match block {
            Block::Banner(word, beside) => {
                writeln!(out, "# mcpipe: {}\n\n{}\n", word.as_str(), escaped(beside))
            }
            Block::Title(text) => writeln!(out, "## {}\n", escaped(text)),
            Block::Text(text) => writeln!(out, "{}\n", escaped(text)),
            Block::List(lines) => list(&mut out, lines.iter().map(|l| escaped(l))),
            Block::Facts(facts) => list(
                &mut out,
                facts
                    .iter()
                    .map(|(name, text)| format!("**{name}**: {}", escaped(text))),
            ),
            Block::Table(table) => drawn(&mut out, table),
        };
    }
    out
}

fn list(out: &mut String, lines: impl Iterator<Item = String>) -> std::fmt::Result {
    for line in lines {
        writeln!(out, "- {line}")?;
    }
    writeln!(out)
}

fn drawn(out: &mut String, table: &Table) -> std::fmt::Result {
    writeln!(out, "| {} |", table.head.join(" | "))?;
    let rules = (0..table.head.len()).map(|i| if i < table.left { "---" } else { "--:" });
    writeln!(out, "| {} |", rules.collect::<Vec<_>>().join(" | "))?;
    for row in &table.rows {
        let cells: Vec<String> = row.iter().map(|c| escaped(c)).collect();
        writeln!(out, "| {} |", cells.join(" | "))?;
    }
    writeln!(out)
}

/// A text from the stream must stay a text: no markup, no HTML, no end of its cell.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in show::clean(text).chars() {
        match c {
            '<' => safe.push_str("&lt;"),
            '&' => safe.push_str("&amp;"),
            '|' | '*' | '_' | '`' | '[' | ']' | '\\' | '#' | '~' => {
                safe.push('\\');
                safe.push(c);
            }
            _ => safe.push(c),
        }
    }
    safe
}
