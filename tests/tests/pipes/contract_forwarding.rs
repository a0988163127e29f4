//! Whatever comes from upstream goes on byte for byte and in order, and what is broken is told with its line number.

use pipe_tests::{Dice, FILTERS, Line, Pipeline, Server, Stream};
use std::collections::BTreeSet;

const MIB: usize = 1024 * 1024;
/// So many broken lines are told one by one.
const MAX_TOLD: usize = 20;

/// Lines as they may come from anywhere: ours, of types that nobody knows, of no type, and broken in all ways.
fn lines(dice: &mut Dice, broken_too: bool) -> Vec<Vec<u8>> {
    let count = 5 + dice.below(60);
    (0..count).map(|_| line(dice, broken_too)).collect()
}

fn line(dice: &mut Dice, broken_too: bool) -> Vec<u8> {
    let n = dice.bits();
    let fine = match dice.below(6) {
        0 => format!(r#"{{"type":"moon_phase","value":{n},"text":"ünïcödé \u0000 \ud83d\ude00"}}"#),
        1 => format!(
            r#"{{"v":1,"type":"sample","run":"r-{n}","from":"other#1","seq":{n},"ts_us":1,"name":"x","source":"host","at_us":1}}"#
        ),
        2 => format!("  {{ \"a\" : [{n}, null, {{}}] }}\t\r"),
        3 => format!("[{n}]"),
        4 => format!("\"{n}\""),
        _ => format!(r#"{{"type":{n},"type":"twice"}}"#),
    };
    if !broken_too || dice.below(2) == 0 {
        return fine.into_bytes();
    }
    match dice.below(8) {
        0 => Vec::new(),
        1 => [b"\xff\xfe\x00" as &[u8], &dice.bytes(40)].concat(),
        2 => {
            let n = 1 + dice.below(3_000);
            [b"x" as &[u8], &dice.bytes(n)].concat()
        }
        3 => vec![0; 1 + dice.below(9)],
        4 => fine.as_bytes()[..fine.len() - 1 - dice.below(3)].to_vec(),
        5 => [b"{\"type\":\"interval\"" as &[u8], &dice.bytes(30), b"\x80"].concat(),
        // Around the limit: a line of 1 MiB with its end is still looked at.
        6 => vec![b'['; MIB - 2 + dice.below(4)],
        _ => {
            let n = MIB + dice.below(2 * MIB);
            [b"{\"type\":\"target\",\"url\":\"" as &[u8], &dice.bytes(n)].concat()
        }
    }
}

/// The numbers of the lines that are no JSON, or too long to be looked at, as serde_json sees it.
fn broken(lines: &[Vec<u8>]) -> Vec<u64> {
    (1..)
        .zip(lines)
        .filter(|(_, line)| {
            line.len() >= MIB || serde_json::from_slice::<serde_json::Value>(line).is_err()
        })
        .map(|(number, _)| number)
        .collect()
}

/// Holds what came out of `tool` against what went in.
#[track_caller]
fn assert_forwarded(tool: &str, seed: u64, input: &[Vec<u8>], out: &[u8]) {
    let stream = Stream::parse(out).checked();
    let passed: Vec<&Line> = stream
        .lines
        .iter()
        .filter(|l| l.tool() != Some(tool))
        .collect();
    for (i, (line, wanted)) in passed.iter().zip(input).enumerate() {
        assert!(
            line.bytes == *wanted,
            "{tool}, seed {seed}, line {}: {:.200?}",
            i + 1,
            String::from_utf8_lossy(&line.bytes)
        );
    }
    assert_eq!(passed.len(), input.len(), "{tool}, seed {seed}: lines");
    let wanted = broken(input);
    let told: Vec<u64> = stream
        .warnings("not_json")
        .iter()
        .filter_map(|w| w["line"].as_u64())
        .collect();
    assert_eq!(
        told,
        wanted[..wanted.len().min(MAX_TOLD)],
        "{tool}, seed {seed}: broken lines"
    );
    let rest: Vec<_> = stream
        .warnings("not_json")
        .into_iter()
        .filter(|w| w["line"].is_null())
        .collect();
    assert_eq!(rest.len(), usize::from(wanted.len() > MAX_TOLD), "{rest:?}");
    if let Some(rest) = rest.first() {
        let more = (wanted.len() - MAX_TOLD).to_string();
        assert!(
            rest["text"].as_str().is_some_and(|t| t.contains(&more)),
            "{rest}"
        );
    }
    let end = stream.only(tool, "end");
    assert_eq!(end["forwarded"], input.len(), "{tool}, seed {seed}: {end}");
    assert_eq!(end["dropped"], 0, "{end}");
}

#[test]
fn any_bytes_pass_through_the_filters_unchanged() {
    for seed in 0..10 {
        let mut dice = Dice::new(seed);
        let input = lines(&mut dice, true);
        let mut bytes = input.join(&b'\n');
        // An empty last line without its end would be no line.
        if dice.below(2) == 0 || input.last().is_some_and(Vec::is_empty) {
            bytes.push(b'\n');
        }
        for tool in FILTERS {
            let run = Pipeline::new(tool).stdin(bytes.clone()).run();
            run.assert_stages(&[0]);
            assert_forwarded(tool, seed, &input, &run.stdout);
        }
    }
}

#[test]
fn any_bytes_pass_through_mcp_chaos_with_a_plan_in_and_out_of_the_path() {
    for seed in 200..206 {
        let input = lines(&mut Dice::new(seed), true);
        let mut bytes = input.join(&b'\n');
        if input.last().is_some_and(Vec::is_empty) {
            bytes.push(b'\n');
        }
        for plan in ["pause@1h", "latency:latency=5ms@1h drop_answer@1h"] {
            let run = Pipeline::new(format!("mcp-chaos -q {plan}"))
                .stdin(bytes.clone())
                .run();
            run.assert_stages(&[0]);
            assert_forwarded("mcp-chaos", seed, &input, &run.stdout);
        }
    }
}

#[test]
fn any_bytes_pass_through_the_generator_while_it_makes_its_load() {
    let server = Server::start(&[]);
    for seed in 100..106 {
        let mut dice = Dice::new(seed);
        let mut input =
            vec![format!(r#"{{"type":"target","url":"{}"}}"#, server.http()).into_bytes()];
        input.extend(lines(&mut dice, true));
        let mut bytes = input.join(&b'\n');
        if input.last().is_some_and(Vec::is_empty) {
            bytes.push(b'\n');
        }
        let run = Pipeline::new(
            "mcp-gen --clients 2 --rate 50/s --connect-for 100ms --warmup 0s --for 200ms -q",
        )
        .stdin(bytes)
        .run();
        run.assert_stages(&[0]);
        assert_forwarded("mcp-gen", seed, &input, &run.stdout);
        assert_eq!(run.stream().totals()["ok"], 20);
    }
}

#[test]
fn all_tools_in_a_row_change_nothing() {
    let server = Server::start(&[]);
    let mut dice = Dice::new(7);
    let mut input = vec![format!(r#"{{"type":"target","url":"{}"}}"#, server.ws()).into_bytes()];
    input.extend(lines(&mut dice, true));
    let run = Pipeline::new(
        "mcp-chaos | mcp-chaos | mcp-gen --clients 1 --rate 10/s --connect-for 100ms --warmup 0s --for 200ms -q \
         | mcp-scrape | mcp-scrape",
    )
    .stdin([input.join(&b'\n'), b"\n".to_vec()].concat())
    .run();
    run.assert_stages(&[0; 5]);
    let stream = run.stream();
    let passed: Vec<&Vec<u8>> = stream
        .lines
        .iter()
        .filter(|l| l.tool().is_none())
        .map(|l| &l.bytes)
        .collect();
    assert!(
        passed.iter().copied().eq(input.iter()),
        "{} lines of {}",
        passed.len(),
        input.len()
    );
}

#[test]
fn a_stream_of_ten_thousand_records_comes_out_as_it_went_in() {
    let mut dice = Dice::new(11);
    let input: Vec<Vec<u8>> = (0..10_000).map(|_| line(&mut dice, false)).collect();
    for tool in FILTERS {
        let run = Pipeline::new(tool)
            .stdin([input.join(&b'\n'), b"\n".to_vec()].concat())
            .run();
        assert_forwarded(tool, 11, &input, &run.stdout);
    }
}

#[test]
fn nothing_at_all_gives_a_start_and_an_end() {
    for tool in FILTERS {
        let run = Pipeline::new(format!("{tool} < /dev/null")).run();
        run.assert_stages(&[0]);
        let kinds: Vec<String> = run
            .stream()
            .records()
            .map(|r| r["type"].to_string())
            .collect();
        assert_eq!(kinds, ["\"start\"", "\"end\""], "{tool}");
    }
}

#[test]
fn half_a_line_is_held_until_its_end_and_whole_lines_are_not() {
    // The reader sees the first line although the writer goes on to hold the pipe open with half a second one.
    let running = Pipeline::new(
        r#"(printf '{"type":"a"}\n{"type":'; cat wait; printf '"b"}\n') | mcp-chaos | mcp-scrape"#,
    )
    .before("mkfifo wait")
    .start();
    running.until_written("", r#"{"type":"a"}"#);
    let seen = String::from_utf8_lossy(&running.stdout()).into_owned();
    assert!(seen.ends_with('\n'), "half a line came through: {seen}");
    std::fs::write(running.folder().path().join("wait"), b"").unwrap();
    let run = running.finish();
    run.assert_stages(&[0, 0, 0]);
    assert!(run.text().contains("{\"type\":\"b\"}\n"), "{}", run.text());
}

#[test]
fn records_of_a_run_keep_their_runs_name_through_all_tools() {
    let first = r#"{"v":1,"type":"start","run":"my-run.1","from":"x#1","seq":0,"ts_us":1}"#;
    let run = Pipeline::new("mcp-chaos | mcp-scrape")
        .stdin(format!("{first}\n"))
        .run();
    let runs: BTreeSet<String> = run
        .stream()
        .records()
        .map(|r| r["run"].to_string())
        .collect();
    assert_eq!(runs, BTreeSet::from(["\"my-run.1\"".to_owned()]));
}

#[test]
fn a_run_that_could_be_a_path_is_not_taken_over() {
    for bad in ["../../etc", "", "a b", ".hidden"] {
        let run = Pipeline::new("mcp-chaos")
            .stdin(format!("{{\"type\":\"x\",\"run\":\"{bad}\"}}\n"))
            .run();
        assert_ne!(run.stream().only("mcp-chaos", "start")["run"], bad);
    }
}
