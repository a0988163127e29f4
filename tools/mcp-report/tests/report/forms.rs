//! The forms of the report: table, JSON and Markdown, and the JSON file.

use crate::stream::{Load, Report, SCRAPE, Stream, command, echo, report, row};
use record::kind::{Event, Fault, Warning};
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// A run with a bit of everything.
fn rich() -> Stream {
    let mut echo = echo(4_000).errors(&[("rpc_error", 30), ("http_error", 9), ("timeout", 2)]);
    echo.codes = vec![("rpc_-32603", 30), ("http_503", 9)];
    let list = row("resources/list", None, vec![1_200; 3_000]);
    let mut s = Stream::default();
    s.start(SCRAPE)
        .start("mcp-gen#3f2a9c")
        .start("mcp-deploy#a1b2c3")
        .ready(1);
    let event = Event {
        event: "exited".into(),
        target: Some("local-2".into()),
        ..Event::default()
    };
    s.put("mcp-deploy#a1b2c3", event);
    for (state, at_us) in [("began", 4_000_000), ("ended", 6_500_000)] {
        s.put(
            "mcp-chaos#77aa10",
            Fault {
                id: "f1".into(),
                state: state.into(),
                kind: "latency".into(),
                targets: vec!["local-1".into(), "local-2".into()],
                at_us: crate::stream::T0_US + at_us,
                ..Fault::default()
            },
        );
    }
    s.put(
        "mcp-gen#3f2a9c",
        Warning::new("late_client", "2 of 25 clients were late").remedy("raise --connect-for"),
    );
    Load::of(vec![echo, list]).write(&mut s);
    s.end(SCRAPE, "done");
    s
}

const GATES: [&str; 4] = ["--fail-if", "p99 > 200ms", "--fail-if", "error_rate > 0.5%"];

/// Compares with a file of tests/golden; `UPDATE_GOLDEN=1 cargo test` writes it.
pub fn golden(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let wanted = std::fs::read_to_string(&path).unwrap();
    assert_eq!(
        text, wanted,
        "{name} is another; look at it, and set UPDATE_GOLDEN=1 if that is meant"
    );
}

#[test]
fn the_table_is_the_one_that_was_looked_at() {
    let report = report(&rich(), &GATES);
    assert_eq!(report.exit, Some(1));
    golden("table.txt", &report.stdout);
    let widest = report.stdout.lines().map(|l| l.chars().count()).max();
    assert!(widest <= Some(120), "{widest:?}");
}

#[test]
fn the_markdown_is_the_one_that_was_looked_at() {
    let report = report(&rich(), &[&["--format", "markdown"], &GATES[..]].concat());
    assert_eq!(report.exit, Some(1));
    golden("report.md", &report.stdout);
}

#[test]
fn the_json_is_one_line_that_fits_its_schema() {
    let report = report(&rich(), &[&["--format", "json"], &GATES[..]].concat());
    assert_eq!(report.stdout.matches('\n').count(), 1);
    let schema = |name: &str| -> serde_json::Value {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../docs/schema")
            .join(name);
        serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
    };
    let value = report.json();
    for (schema, value) in [
        (schema("verdict.json"), &value),
        (schema("report.json"), &value["report"]),
    ] {
        let wrong = jsonschema::validate(&schema, value)
            .err()
            .map(|e| e.to_string());
        assert_eq!(wrong, None);
        let known = schema["properties"].as_object().unwrap();
        for field in value.as_object().unwrap().keys() {
            assert!(known.contains_key(field), "{field} is not in the schema");
        }
    }
    golden(
        "report.json",
        &(serde_json::to_string_pretty(&value).unwrap() + "\n"),
    );
}

#[test]
fn the_same_stream_gives_the_same_bytes() {
    for format in ["table", "markdown", "json"] {
        let args = [&["--format", format], &GATES[..]].concat();
        assert_eq!(report(&rich(), &args).stdout, report(&rich(), &args).stdout);
    }
}

#[test]
fn the_json_file_is_the_same_record_and_replaces_an_old_one() {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("report.json");
    std::fs::write(&path, "old").unwrap();
    let report = report(
        &rich(),
        &["--format", "json", "--json", path.to_str().unwrap()],
    );
    let written: serde_json::Value =
        serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    assert_eq!(written, report.json());
    let left = std::fs::read_dir(path.parent().unwrap()).unwrap();
    let temporary = left.filter(|f| {
        f.as_ref()
            .unwrap()
            .file_name()
            .to_string_lossy()
            .starts_with("report.json.")
    });
    assert_eq!(temporary.count(), 0);
}

#[test]
fn a_json_file_that_cannot_be_written_is_a_failure() {
    let report = report(&rich(), &["--json", "/no/such/folder/report.json"]);
    assert_eq!(report.exit, Some(2));
    assert!(
        report
            .stderr
            .contains("cannot write /no/such/folder/report.json"),
        "{}",
        report.stderr
    );
}

#[test]
fn a_report_that_is_too_long_for_a_line_loses_histograms_first_and_rows_next() {
    for (n, rows_left) in [(245, 245), (400, 50)] {
        let rows = (0..n).map(|i| {
            let name: &'static str =
                Box::leak(format!("{i:03}{}", "x".repeat(3_000)).into_boxed_str());
            row(
                "tools/call",
                Some(name),
                (1..40).map(|us| us * 50).collect(),
            )
        });
        let report = report(&Load::of(rows.collect()).stream(), &["--format", "json"]);
        assert!(
            report.stdout.len() < record::MAX_LINE_BYTES,
            "{}",
            report.stdout.len()
        );
        let value = report.json();
        assert_eq!(value["verdict"], "PASS", "{}", value["reasons"]);
        assert!(
            value["report"]["shortened"].is_string(),
            "{n}: {}",
            report.stdout.len()
        );
        let stage = &value["report"]["stages"][0];
        assert_eq!(stage["total"]["scheduled"], n * 39);
        assert_eq!(stage["rows"].as_array().unwrap().len(), rows_left);
        assert!(stage["rows"][0]["response"]["p99_us"].is_u64());
        assert!(stage["rows"][0]["response"]["hdr"].is_null());
    }
}

#[test]
fn stages_besides_the_measured_ones_are_shown_on_request() {
    let mut warm = echo(100);
    warm.stage = "warm-up";
    let stream = Load::of(vec![echo(4_000), warm]).stream();
    let shown = |args: &[&str]| report(&stream, args).stdout;
    assert!(!shown(&[]).contains("Stage warm-up"));
    let all = shown(&["--stage", "all"]);
    assert!(
        all.find("Stage steady") < all.find("Stage warm-up"),
        "{all}"
    );
    let one = shown(&["--stage", "warm-up"]);
    assert!(
        one.contains("Stage warm-up") && !one.contains("Stage steady"),
        "{one}"
    );
    assert!(shown(&["--stage", "ramp"]).contains("stages with calls: steady, warm-up"));
}

#[test]
fn a_reader_that_leaves_changes_nothing_of_the_verdict() {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("left.jsonl");
    std::fs::write(&path, rich().bytes).unwrap();
    let mut args = vec![path.to_str().unwrap()];
    args.extend(GATES);
    let mut child = command(&args).spawn().unwrap();
    // Closed before anything can have been written: the stream is still to be read.
    drop(child.stdout.take());
    let mut stderr = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut stderr)
        .unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(1));
    assert!(
        !stderr.contains("cannot write") && !stderr.contains("panicked"),
        "{stderr}"
    );
}

#[test]
fn help_names_the_figures_and_the_exit_codes() {
    let help = Report::of(command(&["--help"]).output().unwrap());
    assert_eq!(help.exit, Some(0));
    for part in [
        "error_rate",
        "service.p99",
        "--expect",
        "3 INVALID",
        "--fail-if 'p99 > 200ms'",
    ] {
        assert!(help.stdout.contains(part), "{part}: {}", help.stdout);
    }
}
