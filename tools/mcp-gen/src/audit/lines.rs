//! An audit file, read to its end as often as it grows: whose call each of its lines is about.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

/// No line of ours is longer: an id has 1,024 bytes at most, a token 256.
const MAX_LINE_BYTES: usize = 4 * 1024;
const READ_BYTES: usize = 256 * 1024;
/// So much is read in one go: whoever waits for the end may have other things to attend to.
const LOT_BYTES: usize = 64 * 1024 * 1024;

/// What a line says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// A call of this client with this index was executed.
    Ours(u64, u64),
    /// Of another run, or another generator.
    Foreign,
    /// It is no line of an audit file.
    Unreadable,
}

/// A file that somebody else is writing.
pub struct AuditFile {
    path: PathBuf,
    file: Option<File>,
    /// What stands behind the last `\n`.
    rest: Vec<u8>,
    buffer: Vec<u8>,
}

impl AuditFile {
    /// The file, which need not be there yet.
    #[must_use]
    pub fn new(path: PathBuf) -> Self {
        Self {
            path,
            file: None,
            rest: Vec::new(),
            buffer: Vec::new(),
        }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it was there.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.file.is_some()
    }

    /// Reads what has been added, and gives its lines; tells how many bytes that were. `head` begins the tokens of this
    /// generator.
    ///
    /// # Errors
    /// The system's; a file that is not there yet is none.
    pub fn read_on(&mut self, head: &str, mut found: impl FnMut(Line)) -> io::Result<usize> {
        let file = match &mut self.file {
            Some(file) => file,
            None => match open(&self.path)? {
                Some(file) => self.file.insert(file),
                None => return Ok(0),
            },
        };
        self.buffer.resize(READ_BYTES, 0);
        let mut sum = 0;
        while sum < LOT_BYTES {
            let n = match file.read(&mut self.buffer) {
                Ok(0) => break,
                Ok(n) => n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) => return Err(e),
            };
            sum += n;
            let mut input = &self.buffer[..n];
            while let Some(end) = memchr::memchr(b'\n', input) {
                let (line, behind) = (&input[..end], &input[end + 1..]);
                if self.rest.is_empty() {
                    found(read(line, head));
                } else {
                    add(&mut self.rest, line);
                    found(read(&self.rest, head));
                    self.rest.clear();
                }
                input = behind;
            }
            add(&mut self.rest, input);
        }
        Ok(sum)
    }

    /// What is left when the file has ended without `\n`.
    pub fn end(&mut self) -> Option<Line> {
        (!std::mem::take(&mut self.rest).is_empty()).then_some(Line::Unreadable)
    }
}

/// Opens a file that is there.
fn open(path: &Path) -> io::Result<Option<File>> {
    match std::fs::metadata(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        // A FIFO would have us wait for a writer.
        Ok(facts) if !facts.is_file() => {
            return Err(io::Error::other("it is no regular file"));
        }
        Ok(_) => {}
        Err(e) => return Err(e),
    }
    match File::open(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        opened => opened.map(Some),
    }
}

/// Keeps of a line what is needed to see that it is too long.
fn add(rest: &mut Vec<u8>, more: &[u8]) {
    let room = (MAX_LINE_BYTES + 1).saturating_sub(rest.len());
    rest.extend_from_slice(&more[..more.len().min(room)]);
}

fn read(line: &[u8], head: &str) -> Line {
    const BEGIN: &[u8] = b"{\"token\":\"";
    if line.len() > MAX_LINE_BYTES || !line.starts_with(b"{") || !line.ends_with(b"}") {
        return Line::Unreadable;
    }
    let token = line.strip_prefix(BEGIN).and_then(|rest| {
        let end = memchr::memchr(b'"', rest)?;
        // Two lines in one, as where a server was killed in the middle of the first.
        let is_one = memchr::memmem::find(&rest[end..], BEGIN).is_none();
        let is_plain = memchr::memchr(b'\\', &rest[..end]).is_none();
        (is_one && is_plain).then_some(&rest[..end])
    });
    match token {
        Some(token) => match token.strip_prefix(head.as_bytes()) {
            Some(call) => numbers(call).map_or(Line::Unreadable, |(c, i)| Line::Ours(c, i)),
            None => Line::Foreign,
        },
        None => slowly(line, head),
    }
}

/// The same for a line that is written another way than ours.
fn slowly(line: &[u8], head: &str) -> Line {
    #[derive(serde::Deserialize)]
    struct Executed {
        token: serde_json::Value,
    }
    let Ok(Executed { token }) = serde_json::from_slice(line) else {
        return Line::Unreadable;
    };
    match token.as_str().and_then(|token| token.strip_prefix(head)) {
        Some(call) => numbers(call.as_bytes()).map_or(Line::Unreadable, |(c, i)| Line::Ours(c, i)),
        None => Line::Foreign,
    }
}

/// `CLIENT/INDEX`.
fn numbers(call: &[u8]) -> Option<(u64, u64)> {
    let slash = memchr::memchr(b'/', call)?;
    Some((number(&call[..slash])?, number(&call[slash + 1..])?))
}

fn number(digits: &[u8]) -> Option<u64> {
    let is_plain = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(digits)
        .ok()
        .filter(|_| is_plain)?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    #[test]
    fn a_line_is_ours_of_others_or_none() {
        for (line, is) in [
            (
                r#"{"token":"r/a/3/17","id":4,"method":"ping"}"#,
                Line::Ours(3, 17),
            ),
            (r#"{"id":4,"token":"r/a/3/17"}"#, Line::Ours(3, 17)),
            (r#"{"token":"r\/a/3/17"}"#, Line::Ours(3, 17)),
            (r#"{"token":"r/b/3/17","id":4}"#, Line::Foreign),
            (r#"{"token":7,"id":4}"#, Line::Foreign),
            (r#"{"token":"r/a/3/x","id":4}"#, Line::Unreadable),
            (r#"{"token":"r/a/+3/17","id":4}"#, Line::Unreadable),
            (r#"{"token":"r/a/3","id":4}"#, Line::Unreadable),
            (r#"{"tok{"token":"r/a/3/17","id":4}"#, Line::Unreadable),
            (
                r#"{"token":"r/a/3/1{"token":"r/a/3/17","id":4}"#,
                Line::Unreadable,
            ),
            (
                r#"{"token":"r/a/3/1","id{"token":"r/a/3/17","id":4}"#,
                Line::Unreadable,
            ),
            (r#"{"id":4}"#, Line::Unreadable),
            ("", Line::Unreadable),
        ] {
            assert_eq!(read(line.as_bytes(), "r/a/"), is, "{line}");
        }
        let long = format!(
            r#"{{"token":"r/a/3/17","id":"{}"}}"#,
            "x".repeat(MAX_LINE_BYTES)
        );
        assert_eq!(read(long.as_bytes(), "r/a/"), Line::Unreadable);
    }

    #[test]
    fn a_file_is_read_on_where_it_has_grown() {
        let path = std::env::temp_dir().join(format!("mcpipe-audit-{}", std::process::id()));
        let _ = std::fs::remove_file(&path);
        let mut audit = AuditFile::new(path.clone());
        let mut read = || {
            let mut lines = Vec::new();
            let n = audit.read_on("r/a/", |line| lines.push(line)).unwrap();
            (n > 0, lines, audit.is_open(), audit.end())
        };
        assert_eq!(read(), (false, vec![], false, None));
        let mut file = File::create(&path).unwrap();
        write!(
            file,
            "{{\"token\":\"r/a/0/0\"}}\n{{\"token\":\"r/a/0/1\"}}\n"
        )
        .unwrap();
        let (first, second) = (Line::Ours(0, 0), Line::Ours(0, 1));
        assert_eq!(read(), (true, vec![first, second], true, None));
        write!(file, "{{\"token\":\"r/a/1/0\"}}\n{{\"tok").unwrap();
        let torn = Some(Line::Unreadable);
        assert_eq!(read(), (true, vec![Line::Ours(1, 0)], true, torn));
        assert_eq!(read(), (false, vec![], true, None));
        std::fs::remove_file(&path).unwrap();
        assert!(
            AuditFile::new(std::env::temp_dir())
                .read_on("", |_| {})
                .is_err()
        );
    }
}
