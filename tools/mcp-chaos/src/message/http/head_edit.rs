//! Changes to one header that leave all other lines of a head as they stand.

/// The head with another value in each line of this name; `None` where there is no such line.
pub(in super::super) fn with(
    head: &[u8],
    name: &str,
    new: impl Fn(&[u8]) -> Vec<u8>,
) -> Option<Vec<u8>> {
    let mut changed = Vec::with_capacity(head.len() + 32);
    let mut any = false;
    for line in head.split_inclusive(|&byte| byte == b'\n') {
        match value_of(line, name) {
            Some((start, end)) => {
                any = true;
                changed.extend_from_slice(&line[..start]);
                changed.extend_from_slice(&new(&line[start..end]));
                changed.extend_from_slice(&line[end..]);
            }
            None => changed.extend_from_slice(line),
        }
    }
    any.then_some(changed)
}

/// The head without the lines of this name.
pub(in super::super) fn without(head: &[u8], name: &str) -> Vec<u8> {
    let lines = head.split_inclusive(|&byte| byte == b'\n');
    let kept: Vec<&[u8]> = lines
        .filter(|line| value_of(line, name).is_none())
        .collect();
    kept.concat()
}

/// Where the value lies in a line of this name.
fn value_of(line: &[u8], name: &str) -> Option<(usize, usize)> {
    let (found, _) = line.split_at_checked(name.len())?;
    if !found.eq_ignore_ascii_case(name.as_bytes()) || line.get(name.len()) != Some(&b':') {
        return None;
    }
    let end = line.trim_ascii_end().len();
    let value = line[..end].get(name.len() + 1..)?;
    Some((end - value.trim_ascii_start().len(), end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_changes_and_the_others_stay() {
        let head =
            b"POST / HTTP/1.1\r\nhost:a\r\nMCP-Method:  tools/call \r\nMcp-Methods: x\r\n\r\n";
        let changed = with(head, "Mcp-Method", |_| b"ping".to_vec()).unwrap();
        assert_eq!(
            changed,
            b"POST / HTTP/1.1\r\nhost:a\r\nMCP-Method:  ping \r\nMcp-Methods: x\r\n\r\n"
        );
        assert_eq!(with(head, "Accept", |_| Vec::new()), None);
        assert_eq!(without(head, "HOST").len(), head.len() - 8);
    }
}
