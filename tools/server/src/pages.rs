//! A list cut into pages that are written once, at the start, and found by an opaque cursor.

/// The rendered pages of one list.
pub(crate) struct Pages {
    /// Tells the cursors of one list from those of another.
    kind: &'static str,
    pages: Vec<String>,
}

impl Pages {
    /// Renders `items` (JSON texts) under `field`, at most `page_size` a page.
    pub(crate) fn new(kind: &'static str, field: &str, items: &[String], page_size: usize) -> Self {
        let chunks: Vec<&[String]> = items.chunks(page_size.max(1)).collect();
        let pages = (0..chunks.len().max(1))
            .map(|at| {
                let list = chunks
                    .get(at)
                    .map(|items| items.join(","))
                    .unwrap_or_default();
                let next = if at + 1 < chunks.len() {
                    format!(r#","nextCursor":"{}""#, cursor(kind, at + 1))
                } else {
                    String::new()
                };
                format!(r#""{field}":[{list}]{next}"#)
            })
            .collect();
        Self { kind, pages }
    }

    /// The fields of a result: the first page without a cursor, `None` for a cursor that nobody
    /// was given (an empty one is such a value, not the end; 2026-07-28, pagination).
    pub(crate) fn page(&self, wanted: Option<&str>) -> Option<&str> {
        let at = match wanted {
            None => 0,
            Some(text) => {
                let (_, at) = text.rsplit_once('-')?;
                let at = usize::from_str_radix(at, 16).ok()?;
                // Compared whole, so that no second spelling of a cursor works.
                (at > 0 && cursor(self.kind, at) == text).then_some(at)?
            }
        };
        self.pages.get(at).map(String::as_str)
    }
}

/// Opaque to the client, and the same on every replica, so that any of them can go on.
fn cursor(kind: &str, at: usize) -> String {
    let mut mark = 0xcbf2_9ce4_8422_2325_u64;
    for byte in kind.bytes().chain(at.to_le_bytes()) {
        mark = (mark ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
    }
    format!("{mark:016x}-{at:x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn following_the_cursors_gives_every_item_once_and_in_order() {
        let items: Vec<String> = (0..7).map(|n| n.to_string()).collect();
        let pages = Pages::new("numbers", "items", &items, 3);
        let (mut seen, mut at) = (Vec::new(), None);
        loop {
            let page = format!("{{{}}}", pages.page(at.as_deref()).unwrap());
            let page: serde_json::Value = serde_json::from_str(&page).unwrap();
            seen.extend(
                page["items"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|n| n.as_u64().unwrap()),
            );
            match page["nextCursor"].as_str() {
                Some(next) => at = Some(next.to_owned()),
                None => break,
            }
        }
        assert_eq!(seen, [0, 1, 2, 3, 4, 5, 6]);
    }

    #[test]
    fn a_cursor_of_another_list_or_of_nobody_is_refused() {
        let items: Vec<String> = (0..7).map(|n| n.to_string()).collect();
        let pages = Pages::new("numbers", "items", &items, 3);
        for wrong in [
            "",
            "1",
            "-1",
            &cursor("others", 1),
            &cursor("numbers", 0),
            &cursor("numbers", 3),
        ] {
            assert_eq!(pages.page(Some(wrong)), None, "{wrong}");
        }
        assert!(Pages::new("none", "items", &[], 3).page(None).is_some());
    }
}
