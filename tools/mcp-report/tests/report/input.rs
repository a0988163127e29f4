//! Broken, foreign and over-long lines, and files that are not there.

use crate::stream::{Load, SCRAPE, Stream, echo, report, verdict};
use record::kind::Warning;

fn warnings(stream: &Stream) -> Vec<String> {
    let (v, exit) = verdict(stream, &[]);
    assert_eq!(exit, 0, "broken lines do not end a run: {}", v["reasons"]);
    let list = v["report"]["warnings"].as_array().unwrap();
    list.iter()
        .map(|w| w["text"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn broken_lines_are_told_with_their_numbers_and_never_fatal() {
    let mut s = Stream::default();
    s.raw("hello\n")
        .raw("{\"type\":\"interval\",\"sta")
        .raw("\n\n")
        .raw("{\"type\":\"interval\",\"ok\":-1}\n");
    s.raw(&format!(
        "{{\"type\":\"call\",\"text\":\"{}\"}}\n",
        "x".repeat(1_100_000)
    ));
    s.raw("{\"type\":\"call\",\"a\":[1,}\n");
    // No faults: a kind of the future, JSON that is no record, a call that nobody needs.
    s.raw("{\"type\":\"from the future\",\"v\":9}\n[1,2]\n{\"type\":\"call\"}\n");
    s.bytes.extend(Load::of(vec![echo(4_000)]).stream().bytes);
    s.raw("{\"type\":\"sam");
    let told = warnings(&s);
    let told: Vec<&str> = told.iter().map(String::as_str).collect();
    assert_eq!(told.len(), 7, "{told:#?}");
    assert_eq!(told[0], "line 1 is no record: no JSON");
    assert_eq!(told[1], "line 2 is no record: half a line of JSON");
    assert_eq!(told[2], "line 3 is no record: empty");
    assert!(
        told[3].starts_with("line 4 is no record: invalid value: integer `-1`"),
        "{}",
        told[3]
    );
    assert_eq!(told[4], "line 5 is no record: longer than 1 MiB");
    assert!(told[5].starts_with("line 6 is no record: "), "{}", told[5]);
    assert!(told[6].contains("half a line"), "{}", told[6]);
}

#[test]
fn after_twenty_broken_lines_they_are_counted() {
    let mut s = Load::of(vec![echo(4_000)]).stream();
    for _ in 0..50 {
        s.raw("no record\n");
    }
    let told = warnings(&s);
    assert_eq!(told.len(), 21);
    assert_eq!(told[20], "30 more lines are no records");
}

#[test]
fn a_warning_is_said_once_with_its_remedy() {
    let mut s = Load::of(vec![echo(4_000)]).stream();
    for _ in 0..3 {
        s.put(
            SCRAPE,
            Warning::new("slow", "\u{1b}[31mmetrics are slow").remedy("scrape less often"),
        );
    }
    let said = report(&s, &["--format", "json"]);
    assert_eq!(
        said.stderr,
        "mcp-report: mcp-scrape: \u{fffd}[31mmetrics are slow; scrape less often (× 3)\n"
    );
    let shown = report(&s, &["--quiet"]);
    assert_eq!(shown.stderr, "");
    assert!(
        shown
            .stdout
            .contains("\u{fffd}[31mmetrics are slow; scrape less often (× 3)"),
        "{}",
        shown.stdout
    );
    assert!(
        !shown.stdout.contains('\u{1b}'),
        "no commands from a server reach the terminal"
    );
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let report = report(&Stream::default(), &["no/such/run.jsonl"]);
    assert_eq!(report.exit, Some(2));
    assert!(
        report.stderr.contains("cannot read no/such/run.jsonl"),
        "{}",
        report.stderr
    );
}

#[test]
fn random_bytes_never_make_it_fall_over() {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    for _ in 0..20 {
        let mut s = Load::of(vec![echo(500)]).stream();
        for _ in 0..200 {
            let at = (next() as usize) % s.bytes.len();
            s.bytes[at] = next() as u8;
        }
        let exit = report(&s, &["--fail-if", "p99 > 1s"]).exit;
        assert!(matches!(exit, Some(0..=3)), "{exit:?}");
    }
}
