//! The regular expressions that schemas use (ECMA 262 without back references), parsed.

/// A parsed pattern.
pub(super) struct Regex(pub(super) Node);

pub(super) enum Node {
    /// One character out of these ranges (or, if the flag is set, out of all others).
    Set(Vec<(char, char)>, bool),
    Sequence(Vec<Node>),
    Either(Vec<Node>),
    Repeat(Box<Node>, usize, usize),
    Start,
    End,
    /// `\b`, or with `false` `\B`.
    Boundary(bool),
    /// What follows must match, or with `false` must not.
    Ahead(Box<Node>, bool),
}

const MAX_NODES: usize = 2_000;
pub(super) const WORD: [(char, char); 4] = [('a', 'z'), ('A', 'Z'), ('0', '9'), ('_', '_')];
const SPACE: [(char, char); 3] = [(' ', ' '), ('\t', '\r'), ('\u{a0}', '\u{a0}')];

impl Regex {
    /// `None` for what is beyond us: back references, look-behind, most Unicode classes, flags.
    pub(super) fn parse(pattern: &str) -> Option<Self> {
        let mut parser = Parser {
            rest: pattern.chars().collect(),
            at: 0,
            nodes: 0,
            depth: 0,
        };
        let node = parser.either()?;
        (parser.at == parser.rest.len()).then_some(Self(node))
    }
}

struct Parser {
    rest: Vec<char>,
    at: usize,
    nodes: usize,
    depth: usize,
}

impl Parser {
    fn peek(&self) -> Option<char> {
        self.rest.get(self.at).copied()
    }

    fn eat(&mut self, text: &str) -> bool {
        let found = text
            .chars()
            .enumerate()
            .all(|(offset, wanted)| self.rest.get(self.at + offset) == Some(&wanted));
        if found {
            self.at += text.chars().count();
        }
        found
    }

    fn either(&mut self) -> Option<Node> {
        self.depth += 1;
        if self.depth > 32 {
            return None;
        }
        let mut branches = vec![self.sequence()?];
        while self.eat("|") {
            branches.push(self.sequence()?);
        }
        self.depth -= 1;
        Some(match branches.len() {
            1 => branches.remove(0),
            _ => Node::Either(branches),
        })
    }

    fn sequence(&mut self) -> Option<Node> {
        let mut parts = Vec::new();
        while let Some(next) = self.peek() {
            if next == '|' || next == ')' {
                break;
            }
            self.nodes += 1;
            if self.nodes > MAX_NODES {
                return None;
            }
            let atom = self.atom()?;
            parts.push(self.repeated(atom)?);
        }
        Some(Node::Sequence(parts))
    }

    fn atom(&mut self) -> Option<Node> {
        for (open, ahead) in [("(?=", Some(true)), ("(?!", Some(false)), ("(?:", None)] {
            if self.eat(open) {
                let inner = self.either()?;
                return self.eat(")").then(|| match ahead {
                    Some(wanted) => Node::Ahead(Box::new(inner), wanted),
                    None => inner,
                });
            }
        }
        let next = self.peek()?;
        self.at += 1;
        match next {
            '(' => {
                if self.peek() == Some('?') && !self.named() {
                    return None;
                }
                let inner = self.either()?;
                self.eat(")").then_some(inner)
            }
            '[' => self.class(),
            '^' => Some(Node::Start),
            '$' => Some(Node::End),
            '.' => Some(Node::Set(vec![('\n', '\n'), ('\r', '\r')], true)),
            '\\' if matches!(self.peek(), Some('b' | 'B')) => {
                let wanted = self.eat("b");
                self.at += usize::from(!wanted);
                Some(Node::Boundary(wanted))
            }
            '\\' => self
                .escape()
                .map(|(ranges, negated)| Node::Set(ranges, negated)),
            '*' | '+' | '?' | ')' => None,
            plain => Some(Node::Set(vec![(plain, plain)], false)),
        }
    }

    /// `(?<name>…)`: the name does not matter, since there are no back references.
    fn named(&mut self) -> bool {
        if !self.eat("?<") && !self.eat("?P<") {
            return false;
        }
        while let Some(next) = self.peek() {
            self.at += 1;
            match next {
                '>' => return true,
                // `(?<=` and `(?<!` are look-behind.
                next if next.is_alphanumeric() || next == '_' => {}
                _ => return false,
            }
        }
        false
    }

    fn repeated(&mut self, atom: Node) -> Option<Node> {
        let (least, most) = match self.peek() {
            Some('*') => (0, usize::MAX),
            Some('+') => (1, usize::MAX),
            Some('?') => (0, 1),
            Some('{') => match self.counts() {
                Some(counts) => counts,
                // A brace that counts nothing is a brace.
                None => return Some(atom),
            },
            _ => return Some(atom),
        };
        self.at += 1;
        // Lazy or not makes no difference to whether there is a match.
        self.eat("?");
        (least <= most && least <= 10_000).then(|| Node::Repeat(Box::new(atom), least, most))
    }

    /// Reads `{2}`, `{2,}` or `{2,5}` up to its closing brace, or leaves everything as it was.
    fn counts(&mut self) -> Option<(usize, usize)> {
        let length = self.rest[self.at..].iter().position(|next| *next == '}')?;
        let inside: String = self.rest[self.at + 1..self.at + length].iter().collect();
        let counts = match inside.split_once(',') {
            None => (inside.parse().ok()?, inside.parse().ok()?),
            Some((least, "")) => (least.parse().ok()?, usize::MAX),
            Some((least, most)) => (least.parse().ok()?, most.parse().ok()?),
        };
        self.at += length;
        Some(counts)
    }

    fn escape(&mut self) -> Option<(Vec<(char, char)>, bool)> {
        let next = self.peek()?;
        self.at += 1;
        let one = |only: char| Some((vec![(only, only)], false));
        match next {
            'd' => Some((vec![('0', '9')], false)),
            'D' => Some((vec![('0', '9')], true)),
            'w' => Some((WORD.to_vec(), false)),
            'W' => Some((WORD.to_vec(), true)),
            's' => Some((SPACE.to_vec(), false)),
            'S' => Some((SPACE.to_vec(), true)),
            'n' => one('\n'),
            'r' => one('\r'),
            't' => one('\t'),
            '0' => one('\0'),
            'x' => self.hexadecimal(2),
            'u' => self.hexadecimal(4),
            // Python's and PCRE's anchors, where the author did not know that ECMA has none.
            'p' => self.category().map(|ranges| (ranges, false)),
            'P' => self.category().map(|ranges| (ranges, true)),
            'A' | 'Z' | 'z' | 'G' | 'k' | '1'..='9' => None,
            other => one(other),
        }
    }

    /// `{L}`, `{Lu}`, …: of each category the part up to Latin-1, which is enough to make up a text.
    fn category(&mut self) -> Option<Vec<(char, char)>> {
        let all: [(&str, &[(char, char)]); 4] = [
            ("{Lu}", &[('A', 'Z'), ('À', 'Ö'), ('Ø', 'Þ')]),
            ("{Ll}", &[('a', 'z'), ('ß', 'ö'), ('ø', 'ÿ')]),
            (
                "{L}",
                &[('a', 'z'), ('A', 'Z'), ('À', 'Ö'), ('Ø', 'ö'), ('ø', 'ÿ')],
            ),
            ("{Nd}", &[('0', '9')]),
        ];
        let aliases = [("{Letter}", "{L}"), ("{N}", "{Nd}")];
        for (alias, name) in aliases.into_iter().chain(all.map(|(name, _)| (name, name))) {
            if self.eat(alias) {
                let found = all.iter().find(|(category, _)| *category == name);
                return found.map(|(_, ranges)| ranges.to_vec());
            }
        }
        None
    }

    fn hexadecimal(&mut self, digits: usize) -> Option<(Vec<(char, char)>, bool)> {
        let text: String = self.rest.get(self.at..self.at + digits)?.iter().collect();
        let code = u32::from_str_radix(&text, 16).ok()?;
        self.at += digits;
        let only = char::from_u32(code)?;
        Some((vec![(only, only)], false))
    }

    fn class(&mut self) -> Option<Node> {
        let negated = self.eat("^");
        let mut ranges = Vec::new();
        loop {
            let next = self.peek()?;
            self.at += 1;
            let low = match next {
                ']' => return Some(Node::Set(ranges, negated)),
                '\\' => {
                    let (set, inverted) = self.escape()?;
                    // [\D] would need the ranges in between.
                    if inverted {
                        return None;
                    }
                    match set[..] {
                        [(low, high)] if low == high => low,
                        _ => {
                            ranges.extend(set);
                            continue;
                        }
                    }
                }
                plain => plain,
            };
            let is_range = self.peek() == Some('-') && self.rest.get(self.at + 1) != Some(&']');
            if !is_range {
                ranges.push((low, low));
                continue;
            }
            self.at += 1;
            let high = match self.peek()? {
                '\\' => {
                    self.at += 1;
                    match self.escape()? {
                        (set, false) if set.len() == 1 && set[0].0 == set[0].1 => set[0].0,
                        _ => return None,
                    }
                }
                plain => {
                    self.at += 1;
                    plain
                }
            };
            if low > high {
                return None;
            }
            ranges.push((low, high));
        }
    }
}
