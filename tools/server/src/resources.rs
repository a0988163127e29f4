//! The resources: numbered texts of a fixed size, and a template for any number of bytes.

use crate::reply::push_json;
use crate::tools::LARGEST_TEXT;
use crate::versions::Versions;

/// Where the texts live; a number from 1 up follows.
const TEXT: &str = "mcpipe://text/";
/// Where the template's bytes live; how many follows.
const BYTES: &str = "mcpipe://bytes/";
/// The template as `resources/templates/list` shows it.
pub(crate) const TEMPLATE: &str = "mcpipe://bytes/{n}";

/// How many texts there are, and how long each is.
#[derive(Clone, Copy)]
pub(crate) struct Resources {
    pub(crate) count: usize,
    pub(crate) size_bytes: usize,
}

impl Resources {
    /// The texts as JSON for `resources/list`.
    pub(crate) fn listed(self) -> Vec<String> {
        (1..=self.count)
            .map(|n| {
                format!(
                    r#"{{"uri":"{TEXT}{n}","name":"text {n}","mimeType":"text/plain","size":{}}}"#,
                    self.size_bytes
                )
            })
            .collect()
    }

    /// The templates as JSON for `resources/templates/list`.
    pub(crate) fn templates() -> Vec<String> {
        vec![format!(
            r#"{{"uriTemplate":"{TEMPLATE}","name":"bytes","description":"n zero bytes, n from 0 to {LARGEST_TEXT}","mimeType":"application/octet-stream"}}"#
        )]
    }

    /// The number of a text, if there is one of that URI.
    pub(crate) fn text(self, uri: &str) -> Option<usize> {
        number(uri.strip_prefix(TEXT)?).filter(|n| (1..=self.count).contains(n))
    }

    /// The URI of a text, if there is one of that number.
    pub(crate) fn uri(self, n: usize) -> Option<String> {
        (1..=self.count).contains(&n).then(|| format!("{TEXT}{n}"))
    }

    /// The fields of a read result; `None` where there is no such resource.
    pub(crate) fn read(self, uri: &str, versions: &Versions) -> Option<String> {
        if uri.starts_with(TEXT) {
            let n = self.text(uri)?;
            let mut fields = String::with_capacity(self.size_bytes + 128);
            fields.push_str(&format!(
                r#""contents":[{{"uri":"{TEXT}{n}","mimeType":"text/plain","text":""#
            ));
            // Plain ASCII without escapes: as many characters as bytes, and nothing to escape.
            let from = fields.len();
            match versions.of(n) {
                0 => fields.push_str(&format!("This is text {n}. ")),
                version => fields.push_str(&format!("This is text {n}, version {version}. ")),
            }
            while fields.len() - from < self.size_bytes {
                fields.push_str("The quick brown fox jumps over the lazy dog. ");
            }
            fields.truncate(from + self.size_bytes);
            fields.push_str("\"}]");
            return Some(fields);
        }
        let n = number(uri.strip_prefix(BYTES)?).filter(|n| *n <= LARGEST_TEXT)?;
        // Base64 of zero bytes is all A, but for the padding.
        let mut blob = "A".repeat(n / 3 * 4);
        blob.push_str(["", "AA==", "AAA="][n % 3]);
        Some(format!(
            r#""contents":[{{"uri":"{BYTES}{n}","mimeType":"application/octet-stream","blob":"{blob}"}}]"#
        ))
    }
}

/// A number in its one spelling: no sign, no leading zero.
fn number(text: &str) -> Option<usize> {
    let n: usize = text.parse().ok()?;
    (n.to_string() == text).then_some(n)
}

/// What a missing resource is told, with its URI as data.
pub(crate) fn missing(uri: &str) -> (String, String) {
    let mut data = String::from(r#"{"uri":"#);
    push_json(&mut data, uri);
    data.push('}');
    (
        String::from("no such resource: resources/list names them"),
        data,
    )
}
