//! The pen: own records go between lines, never inside; a reader that leaves is a goodbye.
#![allow(clippy::unwrap_used)] // in a test a panic is the report

use record::kind::Warning;
use record::{Identity, Pen, Upstream};
use std::io::{self, Write};
use std::sync::{Arc, Mutex, mpsc};

#[derive(Clone, Default)]
struct Page(Arc<Mutex<Vec<u8>>>);
impl Write for Page {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
impl Page {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

fn pen_on(page: &Page) -> Pen {
    Pen::on(
        Box::new(page.clone()),
        Identity::join("mcp-test", Some("r1")),
        || {},
    )
}

#[test]
fn a_line_without_its_end_stays_as_it_is_and_our_end_follows_on_a_line_of_its_own() {
    let page = Page::default();
    let pen = pen_on(&page);
    let upstream = Upstream::open(&b"{\"type\":\"x\"}\n{\"type\":\"tar"[..]).unwrap();
    upstream.forward(&pen, |_, _, _| {}).unwrap();
    pen.close("done", 0).unwrap();
    let text = page.text();
    assert!(
        text.starts_with("{\"type\":\"x\"}\n{\"type\":\"tar\n{\"v\":1,\"type\":\"warning\""),
        "{text}"
    );
    let end = text.lines().last().unwrap();
    assert!(
        end.contains("\"written\":2,\"forwarded\":2,\"dropped\":0"),
        "{end}"
    );
    assert!(text.contains("line 2 is no record (half a line of JSON)"));
}

#[test]
fn our_records_wait_while_an_over_long_line_goes_through() {
    let page = Page::default();
    let pen = pen_on(&page);
    pen.forward(b"aaa".to_vec(), 0, false);
    pen.write(Warning::new("w", "in between"));
    pen.forward(b"bbb\n".to_vec(), 1, true);
    pen.close("done", 0).unwrap();
    let text = page.text();
    assert!(text.starts_with("aaabbb\n{"), "{text}");
    assert!(text.contains("in between"));
}

#[test]
fn a_reader_that_leaves_is_told_once_and_closing_is_no_error() {
    struct Broken;
    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let (tell, told) = mpsc::channel();
    let pen = Pen::on(
        Box::new(Broken),
        Identity::join("mcp-test", None),
        move || tell.send(()).unwrap(),
    );
    for _ in 0..3 {
        pen.write(Warning::new("w", "nobody reads this"));
    }
    pen.close("reader_left", 0).unwrap();
    assert!(pen.is_gone());
    assert_eq!(told.try_iter().count(), 1);
}

#[test]
fn who_must_not_wait_gets_the_record_back_when_the_reader_is_slow() {
    struct Stuck(mpsc::Receiver<()>);
    impl Write for Stuck {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _ = self.0.recv();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let (go, wait) = mpsc::channel();
    let pen = Pen::on(
        Box::new(Stuck(wait)),
        Identity::join("mcp-test", None),
        || {},
    );
    let refused = (0..20_000).find(|i| pen.offer(Warning::new("w", format!("{i}"))).is_err());
    assert!(refused.is_some_and(|i| i > 1_000), "{refused:?}");
    drop(go);
    pen.close("done", 0).unwrap();
}

#[test]
fn a_record_that_would_be_too_long_becomes_a_warning() {
    let page = Page::default();
    let pen = pen_on(&page);
    let report = serde_json::Value::from("x".repeat(2 << 20));
    pen.write(record::kind::Verdict {
        report: Some(report),
        ..Default::default()
    });
    pen.close("done", 0).unwrap();
    assert!(page.text().contains("record_too_long"));
    assert!(
        page.text()
            .lines()
            .all(|l| l.len() < record::MAX_LINE_BYTES)
    );
}

#[test]
fn lines_are_written_anew_in_their_place_and_all_others_pass_byte_for_byte() {
    let page = Page::default();
    let pen = pen_on(&page);
    let input = b"{\"type\":\"x\"} \nno json\n{\"type\":\"target\",\"url\":\"a\"}\r\n\n{\"type\":\"target\"}";
    let upstream = Upstream::open(&input[..]).unwrap();
    let mut seen = Vec::new();
    upstream
        .forward_edited(&pen, |kind, line, number| {
            seen.push((kind.to_owned(), number));
            Ok((kind == "target").then(|| format!("[{}]", line.len()).into_bytes()))
        })
        .unwrap();
    pen.close("done", 0).unwrap();
    let text = page.text();
    let passed = "{\"type\":\"x\"} \nno json\n[28]\n\n";
    assert!(
        text.starts_with(passed) && text.contains("\n[17]\n"),
        "{text}"
    );
    let target = |n| ("target".to_owned(), n);
    assert_eq!(seen, [("x".to_owned(), 1), target(3), target(5)]);
    // The broken lines are told, with their own numbers.
    assert!(
        text.contains("line 2 is no record") && text.contains("line 4 is no record"),
        "{text}"
    );
    assert!(text.contains("\"forwarded\":5"), "{text}");
}
