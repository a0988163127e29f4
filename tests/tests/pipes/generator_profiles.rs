//! Profiles: each that is built in does what its name says, on both transports and in both eras; files of one's own too.
#![allow(clippy::unwrap_used)] // in a test a panic is the report

use pipe_tests::{Pipeline, Server, Stream, assert_conserved, assert_intervals_add_up, tools};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

const LOAD: &str = "--connect-for 300ms --warmup 0s --seed 11 -q";

/// Runs `mcp-gen` and holds its counts against each other.
#[track_caller]
fn run(options: &str, files: &str) -> Stream {
    let run = Pipeline::new(format!("mcp-gen {LOAD} {options}"))
        .before(files)
        .run();
    run.assert_stages(&[0]);
    let stream = run.stream();
    assert_intervals_add_up(&stream);
    assert_conserved(&stream);
    stream
}

/// What mcp-gen says of a profile that cannot be.
#[track_caller]
fn complaint(options: &str, files: &str) -> String {
    let run = Pipeline::new(format!("mcp-gen {options}"))
        .before(files)
        .run();
    run.assert_stages(&[2]);
    assert!(run.stdout.is_empty(), "{}", run.text());
    run.stderr
}

/// The rows of the steady stage that are about calls.
fn rows(stream: &Stream) -> Vec<&Value> {
    let of_calls = |s: &&Value| s["stage"] == "steady" && s["method"] != "connect";
    stream.of("summary").into_iter().filter(of_calls).collect()
}

/// Calls due by method.
fn by_method(stream: &Stream) -> BTreeMap<String, u64> {
    let mut sums = BTreeMap::new();
    for row in rows(stream) {
        *sums
            .entry(row["method"].as_str().unwrap().to_owned())
            .or_default() += row["scheduled"].as_u64().unwrap();
    }
    sums
}

#[test]
fn each_profile_calls_its_methods_on_all_transports_and_in_both_eras() {
    let server = Server::start(&["--listen-tcp", "127.0.0.1:0"]);
    let child = tools().join("mcp-deploy").display().to_string();
    for (name, rate, methods) in [
        ("normal", "50/s", "resources/list resources/read tools/call"),
        ("high-load", "50/s", "prompts/get resources/read tools/call"),
        ("low-load", "20/s", "resources/list tools/list"),
        ("slow-client", "5/s", "resources/read"),
        ("message-bomber", "500/s", "ping server/discover"),
    ] {
        for (target, era) in [
            (format!("--url {}", server.http()), "legacy"),
            (format!("--url {}", server.ws()), "modern"),
            (format!("--url {}", server.tcp()), "legacy"),
            (format!("--url {}", server.sse()), "legacy"),
            (format!("--stdio '{child} serve --stdio'"), "modern"),
        ] {
            let stream = run(
                &format!(
                    "{target} --protocol {era} --profile {name} --clients 3 --rate {rate} --for 600ms"
                ),
                "",
            );
            let other = if era == "legacy" {
                "server/discover"
            } else {
                "ping"
            };
            let wanted: BTreeSet<&str> = methods.split(' ').filter(|m| *m != other).collect();
            let called = by_method(&stream);
            assert_eq!(
                called.keys().map(String::as_str).collect::<BTreeSet<_>>(),
                wanted
            );
            assert!(rows(&stream).iter().all(|r| r["profile"] == name), "{name}");
            let totals = stream.totals();
            assert_eq!(totals["ok"], totals["scheduled"], "{name} {era}: {totals}");
            // On a busy machine the generator may have been late.
            let late = stream.warnings("fell_behind").len();
            let warnings = stream.of("warning");
            assert_eq!(warnings.len(), late, "{warnings:?}");
        }
    }
}

#[test]
fn a_ping_of_the_message_bomber_is_as_long_as_its_profile_says() {
    let server = Server::start(&[]);
    let url = server.ws();
    let stream = run(
        &format!(
            "--url {url} --protocol legacy --profile message-bomber --clients 1 --rate 200/s --for 500ms"
        ),
        "",
    );
    let totals = stream.totals();
    let each = totals["sent_bytes"].as_f64().unwrap() / totals["sent"].as_f64().unwrap();
    // 128 B of parameters, the envelope of the message, and the head of the frame.
    assert!((170.0..200.0).contains(&each), "{each}");
}

/// What a slow client has not read yet cannot be done: a bound from below, that no machine can break by being slow.
#[test]
fn a_slow_client_takes_its_time_for_every_answer() {
    let server = Server::start(&["--listen-tcp", "127.0.0.1:0"]);
    let files = "mcp-gen profiles show slow-client | sed 's/32B/100B/; s/10ms/20ms/' > slow.toml";
    let child = tools().join("mcp-deploy").display().to_string();
    for target in [
        format!("--url {}", server.http()),
        format!("--url {} --http2 always", server.http()),
        format!("--url {}", server.ws()),
        format!("--url {}", server.tcp()),
        format!("--url {}", server.sse()),
        format!("--stdio '{child} serve --stdio'"),
    ] {
        let stream = run(
            &format!("{target} --profile slow.toml --clients 2 --rate 2/s --for 1s"),
            files,
        );
        let totals = stream.totals();
        assert_eq!(totals["ok"], 4, "{totals}");
        let bytes = totals["received_bytes"].as_u64().unwrap() / 4;
        // What a POST of HTTP+SSE brings back is read beside the stream on which the answer comes.
        let reads = match target.ends_with("/sse") {
            true => bytes / 200,
            false => bytes / 100,
        };
        assert!(reads >= 3, "{target}: {bytes} bytes prove nothing");
        let least_us = (reads - 1) * 20_000;
        let service = &totals["service"];
        assert!(
            service["min_us"].as_u64().unwrap() >= least_us,
            "{target}: {least_us}: {service}"
        );
    }
}

#[test]
fn weights_choose_methods_and_tools() {
    let server = Server::start(&[]);
    let files = r#"cat > mine.toml <<'END'
name = "mine"
clients = 4
rate = "250/s"
[methods]
"tools/call" = 4
"tools/list" = 1
[tools]
echo = 3
fail = 1
END"#;
    let url = server.ws();
    let stream = run(&format!("--url {url} --profile mine.toml --for 1s"), files);
    let of_tool = |tool: &str| -> f64 {
        let of = |r: &&&Value| r["tool"] == tool;
        let all = rows(&stream);
        all.iter()
            .filter(of)
            .map(|r| r["scheduled"].as_f64().unwrap())
            .sum()
    };
    let called = by_method(&stream);
    assert_eq!(called.values().sum::<u64>(), 1_000);
    // 800, 600 and 200 are expected; the seed is fixed, and these bounds are six standard deviations away.
    assert!((720..880).contains(&called["tools/call"]), "{called:?}");
    assert!(
        (500.0..700.0).contains(&of_tool("echo")),
        "{}",
        of_tool("echo")
    );
    assert!(
        (120.0..280.0).contains(&of_tool("fail")),
        "{}",
        of_tool("fail")
    );
    assert_eq!(
        of_tool("add"),
        0.0,
        "it says readOnlyHint, and was not named"
    );
}

#[test]
fn flags_win_over_the_profile() {
    let server = Server::start(&[]);
    let url = server.http();
    let stream = run(
        &format!(
            "--url {url} --profile message-bomber --clients 2 --rate 40/s --payload 1000B --for 500ms --protocol legacy"
        ),
        "",
    );
    let totals = stream.totals();
    assert_eq!(
        (&totals["scheduled"], &totals["generator"]["clients"]),
        (&40.into(), &2.into())
    );
    assert!(totals["sent_bytes"].as_u64().unwrap() > 40_000, "{totals}");
}

/// The summaries of a profile's calls: how many were due, and how many were asked for per second.
fn of_profile(stream: &Stream, name: &str) -> (u64, f64) {
    let all = rows(stream);
    let of = all.iter().filter(|r| r["profile"] == name);
    of.fold((0, 0.0), |(due, asked), r| {
        (
            due + r["scheduled"].as_u64().unwrap(),
            asked + r["asked_per_s"].as_f64().unwrap(),
        )
    })
}

#[test]
fn several_profiles_run_beside_each_other_each_with_its_own_rate_and_its_own_rows() {
    let server = Server::start(&[]);
    let files = "mcp-gen profiles show low-load | sed 's/low-load/mine/' > mine.toml";
    for (url, threads) in [(server.ws(), 2), (server.http(), 1)] {
        let stream = run(
            &format!(
                "--url {url} --threads {threads} --protocol legacy --for 1s --calls all                  --profile normal=3 --profile bomber.toml=1 --profile mine.toml=2 --profile slow-client"
            ),
            // The bomber is tamed: this is about books, not about speed.
            &format!(
                "{files}; mcp-gen profiles show message-bomber | sed 's/10000/200/' > bomber.toml"
            ),
        );
        assert_eq!(stream.totals()["generator"]["clients"], 11);
        for (name, clients, rate) in [
            ("normal", 3, 100),
            ("message-bomber", 1, 200),
            ("mine", 2, 10),
            ("slow-client", 5, 1),
        ] {
            let (due, asked) = of_profile(&stream, name);
            assert_eq!(due, clients * rate, "{name}");
            assert!((asked - due as f64).abs() < 0.1, "{name}: {asked}");
        }
        let calls = stream.of("call");
        for (profile, numbers) in [
            ("normal", 0..3),
            ("message-bomber", 3..4),
            ("mine", 4..6),
            ("slow-client", 6..11),
        ] {
            let clients: BTreeSet<u64> = calls
                .iter()
                .filter(|c| c["profile"] == profile)
                .map(|c| c["client"].as_u64().unwrap())
                .collect();
            assert_eq!(clients, numbers.collect(), "{profile}");
        }
        // Connections are each profile's too.
        let connects = stream
            .of("summary")
            .into_iter()
            .filter(|s| s["stage"] == "connect");
        let profiles: BTreeSet<&str> = connects.map(|s| s["profile"].as_str().unwrap()).collect();
        assert_eq!(
            profiles,
            BTreeSet::from(["normal", "message-bomber", "mine", "slow-client"])
        );
    }
}

#[test]
fn each_profile_waits_as_long_as_it_says() {
    // Answers come after half a second: one profile waits for them, the other does not.
    let server = Server::start(&["--latency", "500ms"]);
    let files = r#"for name in patient hasty; do cat > $name.toml <<END
name = "$name"
clients = 1
rate = "10/s"
timeout = "$([ $name = hasty ] && echo 200ms || echo 20s)"
[methods]
ping = 1
END
done"#;
    let stream = run(
        &format!(
            "--url {} --protocol legacy --profile patient.toml --profile hasty.toml --for 500ms",
            server.ws()
        ),
        files,
    );
    for row in rows(&stream) {
        let class = if row["profile"] == "patient" {
            &row["ok"]
        } else {
            &row["errors"]["timeout"]
        };
        assert_eq!(class, &row["scheduled"], "{row}");
    }
}

#[test]
fn the_report_tells_profiles_apart() {
    let server = Server::start(&[]);
    let done = Pipeline::new(format!(
        "mcp-gen {LOAD} --url {} --profile normal=2 --profile low-load=1 --for 500ms | mcp-report --json report.json",
        server.ws()
    ))
    .run();
    done.assert_stages_and_report(&[0], "report.json");
    let report = done.verdict("report.json");
    let stages = report["report"]["stages"].as_array().unwrap();
    let steady = stages.iter().find(|s| s["stage"] == "steady").unwrap();
    let named: BTreeSet<(&str, &str)> = steady["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| {
            (
                r["profile"].as_str().unwrap(),
                r["method"].as_str().unwrap(),
            )
        })
        .collect();
    for both in ["normal", "low-load"] {
        assert!(named.contains(&(both, "resources/list")), "{named:?}");
    }
    assert!(
        done.text().contains("normal") && done.text().contains("low-load"),
        "{}",
        done.text()
    );
}

#[test]
fn what_several_profiles_leave_open_is_asked_for() {
    let url = "--url http://127.0.0.1:1/mcp";
    for (options, words) in [
        (
            "--profile normal --profile low-load --clients 3",
            "write --profile normal=3",
        ),
        ("--profile normal=4 --clients 3", "leave one out"),
        ("--profile normal=1 --profile normal=2", "name each once"),
        ("--profile normal=many", "no number of clients"),
        ("--profile normal=0", "0 clients cannot be"),
        (
            "--profile normal=900000 --profile low-load=900000",
            "over all profiles",
        ),
    ] {
        let said = complaint(&format!("{url} {options}"), "");
        assert!(said.contains(words), "{options}: {said}");
    }
}

#[test]
fn a_profile_that_is_built_in_can_be_printed_changed_and_used() {
    let server = Server::start(&[]);
    let url = server.http();
    let files = "mcp-gen profiles show normal | sed 's/^name = .*/name = \"mine\"/; s/^clients = .*/clients = 2/' > mine.toml";
    let stream = run(
        &format!("--url {url} --profile mine.toml --for 300ms"),
        files,
    );
    assert_eq!(stream.totals()["scheduled"], 60);
    assert!(rows(&stream).iter().all(|r| r["profile"] == "mine"));

    let list = Pipeline::new("mcp-gen profiles list").run();
    list.assert_stages(&[0]);
    for name in [
        "normal",
        "high-load",
        "low-load",
        "slow-client",
        "message-bomber",
    ] {
        let line = list
            .text()
            .lines()
            .find(|l| l.starts_with(name))
            .map(str::to_owned);
        assert!(line.is_some(), "{name} in {}", list.text());
        let show = Pipeline::new(format!("mcp-gen profiles show {name}")).run();
        show.assert_stages(&[0]);
        assert!(show.text().contains(&format!("name = \"{name}\"")));
    }
    // Nobody has to read all of it.
    Pipeline::new("mcp-gen profiles list | head -n 1")
        .run()
        .assert_stages(&[0, 0]);
}

#[test]
fn a_profile_that_cannot_be_is_told_with_the_place_and_the_way_out() {
    let files =
        r#"printf 'name = "x"\nclients = 3\nrate = "fast"\n[methods]\nping = 1\n' > bad.toml"#;
    for options in [
        "--url http://127.0.0.1:1/mcp --profile bad.toml",
        "profiles show bad.toml",
    ] {
        let said = complaint(options, files);
        assert!(
            said.starts_with("mcp-gen: bad.toml, line 3, column 8: \"fast\" is no rate"),
            "{said}"
        );
    }
    let said = complaint("--url http://127.0.0.1:1/mcp --profile heavy", "");
    assert!(
        said.contains("use normal, high-load") && said.contains(".toml"),
        "{said}"
    );
}

#[test]
fn a_method_that_the_era_does_not_have_is_told() {
    let server = Server::start(&[]);
    let url = server.http();
    let files = "printf 'name = \"x\"\\nclients = 1\\nrate = \"20/s\"\\n[methods]\\nping = 1\\n\"tools/list\" = 1\\n' > mine.toml";
    let stream = run(
        &format!("--url {url} --profile mine.toml --protocol modern --for 500ms"),
        files,
    );
    assert_eq!(stream.warnings("method_left_out").len(), 1);
    assert_eq!(
        by_method(&stream),
        BTreeMap::from([("tools/list".to_owned(), 10)])
    );
}

/// The bash blocks of a page.
fn blocks(page: &str) -> Vec<&str> {
    let blocks = page.split("```bash\n").skip(1);
    blocks
        .filter_map(|rest| Some(rest.split_once("\n```")?.0))
        .collect()
}

#[test]
fn the_example_of_the_page_on_profiles_runs_as_written() {
    let page = include_str!("../../../docs/PROFILES.md");
    let example = blocks(page)
        .into_iter()
        .find(|b| b.contains("shop.toml"))
        .unwrap();
    // 3 is INVALID: a busy machine can make it so.
    let done = Pipeline::new(format!("( {example} ) || (( $? == 3 ))")).run();
    assert!(done.status.success(), "{:?}: {}", done.status, done.stderr);
    let stream = done.recorded("run.jsonl");
    assert_intervals_add_up(&stream);
    assert_conserved(&stream);
    let totals = stream.totals();
    assert_eq!(totals["ok"], totals["scheduled"], "{totals}");
    let called = by_method(&stream);
    assert_eq!(called.values().sum::<u64>(), 400);
    // Four clients may have a round that the begin or the end of the stage cuts in two.
    assert!(
        called["resources/list"].abs_diff(called["resources/read"]) <= 8,
        "{called:?}"
    );
    let tools: BTreeSet<&str> = rows(&stream)
        .iter()
        .filter_map(|r| r["tool"].as_str())
        .collect();
    assert_eq!(tools, BTreeSet::from(["add", "echo"]));
}

const SEQUENCE: &str = r#"cat > mine.toml <<'END'
name = "mine"
clients = 3
rate = "40/s"
[[sequence]]
[[sequence.step]]
method = "resources/list"
take = { uri = "/resources/0/uri", name = "POINTER" }
[[sequence.step]]
method = "resources/read"
params = { uri = "{{uri}}" }
[[sequence.step]]
method = "tools/call"
tool = "TOOL"
arguments = { message = "{{name}} at {{uri}}" }
[[sequence.step]]
method = "resources/list"
END"#;

/// A sequence whose third step calls `tool`, and whose first takes a value from `pointer`.
fn sequence(tool: &str, pointer: &str) -> String {
    SEQUENCE.replace("TOOL", tool).replace("POINTER", pointer)
}

#[test]
fn a_sequence_takes_values_from_its_answers_on_both_transports_and_in_both_models() {
    let server = Server::start(&["--latency", "1ms"]);
    let files = sequence("echo", "/resources/0/name");
    for options in [
        format!("--url {} --protocol modern", server.http()),
        format!("--url {} --protocol legacy", server.ws()),
        format!("--url {} --closed --in-flight 3", server.http()),
        format!("--url {} --closed --in-flight 3", server.ws()),
    ] {
        let stream = run(
            &format!("{options} --profile mine.toml --for 700ms"),
            &files,
        );
        let totals = stream.totals();
        assert_eq!(totals["ok"], totals["scheduled"], "{options}: {totals}");
        let called = by_method(&stream);
        let (lists, reads, calls) = (
            called["resources/list"],
            called["resources/read"],
            called["tools/call"],
        );
        // Rounds that the end of the load has cut are short of their last steps.
        assert!(
            reads >= 7 && reads >= calls && reads - calls <= 3 && lists.abs_diff(2 * reads) <= 3,
            "{called:?}"
        );
    }
}

/// In the open model, steps come due while the one before is under way: they wait for it.
#[test]
fn a_step_waits_for_the_answer_of_the_one_before() {
    let server = Server::start(&["--latency", "30ms"]);
    let stream = run(
        &format!(
            "--url {} --profile mine.toml --clients 1 --rate 100/s --for 500ms --calls all --timeout 20s --max-backlog 20s",
            server.ws()
        ),
        &sequence("echo", "/resources/0/name"),
    );
    let mut calls = stream.of("call");
    assert_eq!(calls.len(), 50);
    calls.sort_by_key(|c| c["index"].as_u64());
    for pair in calls.windows(2) {
        let at = |c: &Value, name: &str| c[name].as_u64().unwrap();
        if at(pair[1], "index") % 4 != 0 {
            assert!(
                at(pair[1], "sent_us") + 1 >= at(pair[0], "done_us"),
                "{pair:?}"
            );
        }
        assert_eq!(pair[1]["outcome"], "ok");
    }
}

#[test]
fn a_step_that_fails_ends_its_round_and_the_rest_of_it_is_cancelled() {
    let server = Server::start(&[]);
    for url in [server.http(), server.ws()] {
        let stream = run(
            &format!("--url {url} --profile mine.toml --for 500ms"),
            &sequence("fail", "/resources/0/name")
                .replace("arguments = { message = \"{{name}} at {{uri}}\" }", ""),
        );
        let totals = stream.totals();
        let rounds = totals["scheduled"].as_u64().unwrap() / 4;
        assert_eq!(rounds, 15);
        assert_eq!(
            totals["errors"],
            serde_json::json!({"tool_error": 15, "cancelled": 15})
        );
        // Where calls come from answers, there is nothing to cancel.
        let stream = run(
            &format!("--url {url} --profile mine.toml --for 300ms --closed"),
            &sequence("fail", "/resources/0/name")
                .replace("arguments = { message = \"{{name}} at {{uri}}\" }", ""),
        );
        let totals = stream.totals();
        assert!(
            totals["errors"]["tool_error"].as_u64() > Some(3),
            "{totals}"
        );
        assert_eq!(totals["errors"].as_object().unwrap().len(), 1, "{totals}");
    }
}

#[test]
fn an_answer_without_what_is_to_be_taken_ends_the_round_with_a_warning() {
    let server = Server::start(&[]);
    let stream = run(
        &format!(
            "--url {} --profile mine.toml --clients 1 --for 500ms",
            server.ws()
        ),
        &sequence("echo", "/resources/0/color"),
    );
    let totals = stream.totals();
    assert_eq!(
        (&totals["ok"], &totals["errors"]),
        (&5.into(), &serde_json::json!({"cancelled": 15}))
    );
    let warnings = stream.warnings("sequence_ended");
    assert_eq!(warnings.len(), 1);
    assert!(
        warnings[0]["text"]
            .as_str()
            .unwrap()
            .contains("/resources/0/color")
    );
}

#[test]
fn a_profile_with_think_time_is_of_the_closed_model() {
    let server = Server::start(&[]);
    let url = server.ws();
    let files = r#"cat > mine.toml <<'END'
name = "mine"
clients = 10
think = "100ms"
[methods]
ping = 1
END"#;
    let of = |options: &str| {
        run(
            &format!("--url {url} --protocol legacy --profile mine.toml --for 1s {options}"),
            files,
        )
    };
    let stream = of("");
    let totals = stream.totals();
    assert_eq!(totals["generator"]["model"], "closed");
    // Ten users who think a tenth of a second after every answer cannot make more.
    let made = totals["scheduled"].as_u64().unwrap();
    assert!((10..=110).contains(&made), "{made}");
    let stream = of("--rate 30/s");
    assert_eq!(
        (
            &stream.totals()["generator"]["model"],
            &stream.totals()["scheduled"]
        ),
        (&"open".into(), &300.into())
    );
    let said = complaint(
        &format!("--url {url} --profile mine.toml --profile normal"),
        files,
    );
    assert!(said.contains("closed or open as a whole"), "{said}");
}

#[test]
fn a_profile_is_checked_as_a_whole_when_it_is_shown() {
    let head = "name = \"x\"\nclients = 1\n";
    for (text, words) in [
        (
            "rate = 1\n[[call]]\nmethod = \"tools/call\"\ntool = \"echo\"\narguments = { message = \"{{sequence}}\" }",
            "{{sequence}}",
        ),
        (
            "rate = 1\n[[sequence]]\n[[sequence.step]]\nmethod = \"resources/read\"\nparams = { uri = \"{{uri}}\" }",
            "{{uri}}",
        ),
        (
            "rate = 1\nthink = \"1s\"\n[methods]\nping = 1",
            "line 4, column 1: rate and think exclude each other",
        ),
    ] {
        let files = format!("cat > mine.toml <<'END'\n{head}{text}\nEND");
        let run = Pipeline::new("mcp-gen profiles show mine.toml")
            .before(&files)
            .run();
        run.assert_stages(&[2]);
        assert!(run.stderr.contains(words), "{}", run.stderr);
    }
    let files = format!(
        "cat > mine.toml <<'END'\n{head}rate = 1\n[[sequence]]\n[[sequence.step]]\nmethod = \"resources/list\"\ntake = {{ uri = \"/resources/0/uri\" }}\n[[sequence.step]]\nmethod = \"resources/read\"\nparams = {{ uri = \"{{{{uri}}}}\" }}\nEND"
    );
    let run = Pipeline::new("mcp-gen profiles show mine.toml")
        .before(&files)
        .run();
    run.assert_stages(&[0]);
}

#[test]
fn calls_that_cannot_be_are_told_with_their_place_before_anything_is_sent() {
    let server = Server::start(&[]);
    let url = server.http();
    let head = "name = \"x\"\nclients = 1\nrate = 1\n";
    for (text, words) in [
        (
            "[[call]]\nmethod = \"initialize\"",
            "line 4, column 1: initialize is no call of the load",
        ),
        (
            "[[call]]\nmethod = \"ping\"\ntool = \"echo\"",
            "belongs to the method tools/call",
        ),
        (
            "[[call]]\nmethod = \"ping\"\ntake = { a = \"/a\" }",
            "take belongs to the steps",
        ),
        (
            "[[sequence]]\n[[sequence.step]]\nmethod = \"ping\"\ntake = { a = \"a\" }",
            "no JSON pointer",
        ),
        (
            "[[call]]\nmethod = \"tools/call\"\ntool = \"echo\"\narguments = { message = \"{{sec}}\" }",
            "{{sec}} is no placeholder",
        ),
        (
            "[[call]]\nmethod = \"tools/call\"\ntool = \"ecco\"",
            "the server has no tool \"ecco\"",
        ),
        (
            "[data.a]\nfile = \"none.csv\"\n[methods]\nping = 1",
            "none.csv: cannot be read",
        ),
    ] {
        let files = format!("printf '%s' '{head}{text}' | sed 's/\\\\n/\\n/g' > mine.toml");
        let done = Pipeline::new(format!("mcp-gen --url {url} --profile mine.toml"))
            .before(&files)
            .run();
        done.assert_stages(&[2]);
        assert!(done.stderr.contains(words), "{words}: {}", done.stderr);
    }
}

#[test]
fn connections_live_as_long_as_the_profile_says_and_no_call_is_lost_when_they_end() {
    let server = Server::start(&["--latency", "5ms"]);
    for url in [server.http(), server.ws()] {
        for more in ["", "--closed"] {
            let rate = if more.is_empty() { "--rate 50/s" } else { "" };
            let stream = run(
                &format!(
                    "--url {url} --protocol legacy --clients 4 {rate} {more} --connection-lifetime 300ms --reconnect-delay 10ms --for 2s"
                ),
                "",
            );
            let totals = stream.totals();
            assert_eq!(totals["ok"], totals["scheduled"], "{url} {more}: {totals}");
            // Four clients, each for 2 s with lifetimes of at most 0.3 s, and a few for the time away: were they kept
            // for ever, there would be 4 sessions with 6 connections at most.
            let connects = totals["generator"]["connects"].as_u64().unwrap();
            assert!(connects >= 4 + 4 * 2, "{connects}");
            if url.starts_with("ws") {
                assert!(connects <= 4 * (2_300 / 240 + 2), "{connects}");
            }
        }
    }
}

#[test]
fn a_client_stays_away_for_the_reconnect_delay() {
    let server = Server::start(&[]);
    let stream = run(
        &format!(
            "--url {} --clients 1 --rate 50/s --connection-lifetime 400ms --reconnect-delay 700ms --for 2s --timeout 20s --max-backlog 20s",
            server.ws()
        ),
        "",
    );
    let totals = stream.totals();
    assert_eq!(totals["ok"], 100, "{totals}");
    // What came due while it was away, half of the delay at least, has waited for it.
    assert!(
        totals["response"]["max_us"].as_u64() > Some(300_000),
        "{totals}"
    );
    assert!(
        totals["generator"]["connects"].as_u64() <= Some(4),
        "{totals}"
    );
}

#[test]
fn a_client_that_is_away_when_the_load_begins_as_its_profile_has_it_is_not_called_late() {
    let server = Server::start(&[]);
    let done = Pipeline::new(format!(
        "mcp-gen --url {} --clients 3 --rate 10/s --connection-lifetime 300ms --reconnect-delay 4s --connect-for 1500ms --warmup 0s --for 300ms --timeout 20s --max-backlog 20s --interval 200ms -q",
        server.ws()
    ))
    .run();
    done.assert_stages(&[0]);
    let stream = done.stream();
    assert_eq!(stream.totals()["ok"], 9, "{}", stream.totals());
    assert!(stream.warnings("late_client").is_empty());
}
