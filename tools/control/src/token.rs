//! The token that whoever controls a run has to know; it comes from a file or the environment, never from the command line.

use std::fmt;
use std::path::Path;
use subtle::ConstantTimeEq as _;

/// Shorter ones can be guessed over a network.
const LEAST_BYTES: usize = 16;
const MOST_BYTES: usize = 1_024;

/// A secret. It shows itself to nobody.
#[derive(Clone)]
pub struct Token(String);

impl Token {
    /// Takes a token, without the white space around it.
    ///
    /// # Errors
    /// A sentence: it is too short or too long, or no header could carry it.
    pub fn new(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if !(LEAST_BYTES..=MOST_BYTES).contains(&text.len()) {
            return Err(format!(
                "a token has {LEAST_BYTES} to {MOST_BYTES} characters, and this has {}; `openssl rand -hex 32` makes one",
                text.len()
            ));
        }
        if !text.bytes().all(|b| b.is_ascii_graphic()) {
            return Err("a token has letters, digits and signs of ASCII, and no space".to_owned());
        }
        Ok(Self(text.to_owned()))
    }

    /// Takes the token that a file holds.
    ///
    /// # Errors
    /// A sentence: it cannot be read, or is no token.
    pub fn read(path: &Path) -> Result<Self, String> {
        let text = std::fs::read_to_string(path)
            .map_err(|e| format!("cannot read the token of {}: {e}", path.display()))?;
        Self::new(&text).map_err(|e| format!("{}: {e}", path.display()))
    }

    /// Whether this is it. How long that takes tells nothing but whether it is as long.
    #[must_use]
    pub fn is(&self, given: &str) -> bool {
        self.0.as_bytes().ct_eq(given.as_bytes()).into()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_knows_itself_and_tells_nobody() {
        let token = Token::new(" 0123456789abcdef\n").expect("a token");
        assert!(token.is("0123456789abcdef"));
        for wrong in ["", "0123456789abcdeF", "0123456789abcdef0"] {
            assert!(!token.is(wrong), "{wrong}");
        }
        assert!(!format!("{token:?}").contains("0123"));
        for bad in [
            "",
            "short",
            "0123456789 abcdef",
            "0123456789abcdéf",
            &"x".repeat(2_000),
        ] {
            assert!(Token::new(bad).is_err(), "{bad}");
        }
    }
}
