//! Draws the page for a terminal: as wide as it is, right-aligned figures, colour only where it is wanted.

use crate::page::{Block, Table};
use crate::show;
use crate::verdict::Word;
use std::fmt::Write as _;
use tabled::builder::Builder;
use tabled::settings::object::Columns;
use tabled::settings::peaker::Priority;
use tabled::settings::style::HorizontalLine;
use tabled::settings::{Alignment, Padding, Style, Width};

/// How wide the page is where no terminal says.
pub const DEFAULT_COLUMNS: usize = 120;
/// Narrower than this, lines are left to the terminal to break.
const MIN_COLUMNS: usize = 40;

/// Draws the page.
pub fn draw(blocks: &[Block], columns: usize, colour: bool) -> String {
    let columns = columns.max(MIN_COLUMNS);
    let mut out = String::new();
    let mut after_table = false;
    // Writing to a String cannot fail.
    for block in blocks {
        if after_table && !matches!(block, Block::Title(_)) {
            out.push('\n');
        }
        after_table = matches!(block, Block::Table(_));
        let _ = match block {
            Block::Banner(word, beside) => {
                writeln!(out, "{}  {}", paint(*word, colour), show::clean(beside))
            }
            Block::Title(text) => writeln!(out, "\n{}", bold(&show::clean(text), colour)),
            Block::Text(text) => wrapped(&mut out, "", text, columns),
            Block::List(lines) => lines
                .iter()
                .try_for_each(|l| wrapped(&mut out, "- ", l, columns)),
            Block::Facts(facts) => facts.iter().try_for_each(|(name, text)| {
                wrapped(&mut out, &format!("{name:<9} "), text, columns)
            }),
            Block::Table(table) => writeln!(out, "{}", drawn(table, columns)),
        };
    }
    out
}

fn paint(word: Word, colour: bool) -> String {
    let code = match word {
        Word::Pass => "1;32",
        Word::Fail => "1;31",
        Word::Invalid | Word::None => "1;33",
    };
    if colour {
        format!("\u{1b}[{code}m{}\u{1b}[0m", word.as_str())
    } else {
        word.as_str().to_owned()
    }
}

fn bold(text: &str, colour: bool) -> String {
    if colour {
        format!("\u{1b}[1m{text}\u{1b}[0m")
    } else {
        text.to_owned()
    }
}

/// Writes a text, broken at spaces, later lines as far in as the first one's words.
fn wrapped(out: &mut String, lead: &str, text: &str, columns: usize) -> std::fmt::Result {
    let indent = lead.chars().count();
    let text = show::clean(text);
    let mut line = lead.to_owned();
    let mut width = indent;
    for word in text.split(' ') {
        let len = word.chars().count();
        if width > indent && width + 1 + len > columns {
            writeln!(out, "{line}")?;
            line = " ".repeat(indent);
            width = indent;
        }
        if width > indent {
            line.push(' ');
            width += 1;
        }
        line.push_str(word);
        width += len;
    }
    writeln!(out, "{}", line.trim_end())
}

fn drawn(table: &Table, columns: usize) -> String {
    let mut builder = Builder::default();
    builder.push_record(table.head.iter().copied());
    for row in &table.rows {
        builder.push_record(row.iter().map(|cell| show::clean(cell)));
    }
    let rule = HorizontalLine::new('\u{2500}');
    let mut drawn = builder.build();
    drawn
        .with(Style::empty().horizontals([(1, rule)]))
        .with(Padding::new(0, 2, 0, 0))
        .modify(Columns::new(table.left..), Alignment::right())
        // Names give way first: a figure that is broken in two is no figure.
        .with(
            Width::wrap(columns)
                .keep_words(true)
                .priority(Priority::left()),
        );
    let lines: Vec<String> = drawn
        .to_string()
        .lines()
        .map(|l| l.trim_end().to_owned())
        .collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Block {
        Block::Table(Table {
            head: vec!["call", "ok", "p99"],
            left: 1,
            rows: vec![vec![
                "tools/call a_tool_with_a_rather_long_name_that_goes_on".into(),
                "67,500".into(),
                "1.24 ms".into(),
            ]],
        })
    }

    #[test]
    fn a_narrow_terminal_breaks_names_and_never_figures() {
        let text = "a sentence of some length that does not fit into a terminal of forty columns";
        let blocks = [
            table(),
            Block::List(vec![text.into()]),
            Block::Facts(vec![("name", text.into())]),
        ];
        let drawn = draw(&blocks, 40, false);
        assert!(drawn.lines().all(|l| l.chars().count() <= 40), "{drawn}");
        assert!(
            drawn.contains("67,500") && drawn.contains("1.24 ms"),
            "{drawn}"
        );
        let wide = draw(&[table()], 200, false);
        assert!(wide.contains("rather_long_name_that_goes_on"), "{wide}");
    }

    #[test]
    fn there_is_colour_only_where_it_is_wanted() {
        let banner = [
            Block::Banner(Word::Fail, String::new()),
            Block::Title("x".into()),
        ];
        assert!(!draw(&banner, 80, false).contains('\u{1b}'));
        assert!(draw(&banner, 80, true).starts_with("\u{1b}[1;31mFAIL\u{1b}[0m"));
    }
}
