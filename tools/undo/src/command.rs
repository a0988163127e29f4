//! What to run: a vector of arguments, and how a command line that a person typed becomes one.

use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::Error;

/// A command to start, with what it gets.
#[derive(Debug, Clone)]
pub struct CommandSpec {
    /// Names the log file, `local-1`; several starts with one label append to one log.
    pub label: String,
    /// Program and arguments. No shell is involved.
    pub argv: Vec<OsString>,
    /// Environment variables on top of the inherited ones.
    pub env: Vec<(OsString, OsString)>,
    /// Its stdin and stdout, one end of a socket pair; else /dev/null and the log. stderr is the log, always.
    pub stdio: Option<Arc<OwnedFd>>,
    /// Working folder, else the tool's.
    pub cwd: Option<PathBuf>,
    /// The keeper ends it after this time, even while the tool lives; `None`: it lives as long as the tool.
    pub deadline: Option<Duration>,
}

impl CommandSpec {
    /// A command with nothing but its arguments.
    pub fn new<A: Into<OsString>>(label: &str, argv: impl IntoIterator<Item = A>) -> Self {
        Self {
            label: label.to_owned(),
            argv: argv.into_iter().map(Into::into).collect(),
            env: Vec::new(),
            stdio: None,
            cwd: None,
            deadline: None,
        }
    }
}

/// Splits a command line as sh(1) would: blanks, '…', "…" and \. What needs a shell (`|`, `$X`, `*`,
/// `A=b cmd`, …) becomes `/bin/sh -c LINE`.
///
/// Not everything goes through the shell, because without it "command not found" is an error of
/// exec, told at once and by name, and the child is the server itself, which gets SIGTERM first.
///
/// # Errors
/// [`Error::EmptyCommand`] and [`Error::OpenQuote`].
pub fn words(line: &str) -> Result<Vec<String>, Error> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut shell = false;
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        match character {
            ' ' | '\t' => words.extend(word.take()),
            '\'' => quoted_plainly(&mut characters, word.get_or_insert_default())?,
            '"' => shell |= quoted(&mut characters, word.get_or_insert_default())?,
            '\\' => word.get_or_insert_default().extend(characters.next()),
            _ => {
                shell |= "|&;<>()$`*?[\n".contains(character)
                    || (word.is_none() && "~#!".contains(character))
                    || (words.is_empty() && character == '=');
                word.get_or_insert_default().push(character);
            }
        }
    }
    words.extend(word);
    if words.is_empty() {
        return Err(Error::EmptyCommand);
    }
    if shell {
        return Ok(["/bin/sh", "-c", line].map(str::to_owned).to_vec());
    }
    Ok(words)
}

fn quoted_plainly(characters: &mut std::str::Chars<'_>, word: &mut String) -> Result<(), Error> {
    for character in characters {
        if character == '\'' {
            return Ok(());
        }
        word.push(character);
    }
    Err(Error::OpenQuote('\''))
}

/// True when the shell would expand something in it.
fn quoted(characters: &mut std::str::Chars<'_>, word: &mut String) -> Result<bool, Error> {
    let mut shell = false;
    while let Some(character) = characters.next() {
        match character {
            '"' => return Ok(shell),
            '\\' => match characters.next() {
                Some(escaped @ ('"' | '\\' | '$' | '`')) => word.push(escaped),
                Some(other) => word.extend(['\\', other]),
                None => break,
            },
            _ => {
                shell |= "$`".contains(character);
                word.push(character);
            }
        }
    }
    Err(Error::OpenQuote('"'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_command_line_is_split_without_a_shell() {
        let line = r#"uvx 'some server' --name "a \"b\" \c" --port=80 x\ y ''"#;
        let expected = [
            "uvx",
            "some server",
            "--name",
            r#"a "b" \c"#,
            "--port=80",
            "x y",
            "",
        ];
        assert_eq!(words(line).unwrap(), expected);
    }

    #[test]
    fn what_only_a_shell_understands_goes_to_the_shell_as_it_is() {
        for line in [
            "a | b",
            "A=b c",
            "echo $HOME",
            r#"echo "$HOME""#,
            "cd x && y",
            "~/bin/server",
        ] {
            assert_eq!(words(line).unwrap(), ["/bin/sh", "-c", line], "{line}");
        }
        assert_eq!(words("echo '$HOME | x'").unwrap(), ["echo", "$HOME | x"]);
    }

    #[test]
    fn empty_lines_and_open_quotes_are_errors() {
        assert!(matches!(words("  "), Err(Error::EmptyCommand)));
        assert!(matches!(words("a 'b"), Err(Error::OpenQuote('\''))));
        assert!(matches!(words("a \"b"), Err(Error::OpenQuote('"'))));
    }
}
