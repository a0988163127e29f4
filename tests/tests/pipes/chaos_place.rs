//! Where mcp-chaos stands, what its faults count from there, and what it says of those that cannot be.

use crate::chaos::{LOAD, one, target};
use pipe_tests::{Pipeline, Server};

#[test]
fn what_the_place_does_not_allow_is_told_at_once_and_the_report_repeats_it() {
    for (script, stages, words) in [
        (
            format!(
                "mcp-deploy -q local -n 1 | mcp-chaos -q kill@steady+1s | mcp-gen {LOAD} --for 1h | tee run.jsonl | mcp-report"
            ),
            [0, 2, 2, 0, 2],
            "put mcp-chaos behind it",
        ),
        (
            format!(
                "mcp-deploy -q local -n 1 | mcp-gen {LOAD} --for 1h | mcp-chaos -q kill@traffic | tee run.jsonl | mcp-report"
            ),
            [0, 0, 2, 0, 2],
            "put mcp-chaos in front of mcp-gen",
        ),
    ] {
        let run = Pipeline::new(script).run();
        run.assert_stages(&stages);
        let stream = run.recorded("run.jsonl");
        let fatal = stream.from("mcp-chaos", "warning")[0];
        assert_eq!(fatal["code"], "fatal");
        assert!(fatal["text"].as_str().unwrap().contains(words), "{fatal}");
        assert!(
            run.stderr.contains(&format!(
                "mcp-report: mcp-chaos: {}",
                fatal["text"].as_str().unwrap()
            )),
            "{}",
            run.stderr
        );
        let end = stream.only("mcp-chaos", "end");
        assert_eq!((&end["why"], &end["exit"]), (&"failed".into(), &2.into()));
    }
}

#[test]
fn a_wrong_command_line_is_told_before_anything_is_read() {
    for (faults, words) in [
        ("slay@1s", "there are kill"),
        ("kill@traffic pause@steady", "use two mcp-chaos"),
        ("kill@1s --steady fine", "error_rate < 1% for 5s"),
        ("kill@1s --plan nowhere.toml", "nowhere.toml"),
    ] {
        let run = Pipeline::new(format!("mcp-chaos {faults} < /dev/null")).run();
        run.assert_stages(&[2]);
        assert!(
            run.stderr.starts_with("mcp-chaos: ") && run.stderr.contains(words),
            "{}",
            run.stderr
        );
        assert_eq!(run.text(), "");
    }
}

#[test]
fn a_stage_is_an_anchor_behind_the_generator() {
    let run = Pipeline::new(format!(
        "mcp-deploy -q local -n 2 | mcp-gen {LOAD} --for 3s | mcp-chaos -q pause@steady+500ms+200ms kill@drain+1h > run.jsonl"
    ))
    .run();
    run.assert_stages(&[0, 0, 0]);
    let stream = run.recorded("run.jsonl");
    let steady = stream
        .of("stage")
        .into_iter()
        .find(|s| s["stage"] == "steady" && s["state"] == "began")
        .unwrap();
    let due_us = steady["start_us"].as_u64().unwrap() + 500_000;
    let began = one(&stream, "f1", "began");
    // Both clocks were read once each, so a moment's difference lies between them.
    assert!(
        began["at_us"].as_u64().unwrap() + 1_000 >= due_us,
        "{began} {steady}"
    );
    assert!(began["t_us"].as_u64() >= Some(800_000), "{began}");
    let never = stream.warnings("fault_never_came");
    assert_eq!(never.len(), 1, "{never:?}");
    assert!(
        never[0]["text"].as_str().unwrap().contains("f2 (kill"),
        "{never:?}"
    );
}

#[test]
fn for_a_target_written_by_hand_the_first_in_the_pipe_says_ready_and_faults_count_from_there() {
    let server = Server::start(&[]);
    let run = Pipeline::new(format!(
        "mcp-chaos -q pause@800ms+300ms | mcp-gen {LOAD} --for 2s > run.jsonl"
    ))
    .stdin(format!("{}\n", target("mine", &server)))
    .run();
    run.assert_stages(&[0, 0]);
    let stream = run.recorded("run.jsonl");
    assert_eq!(stream.from("mcp-chaos", "ready").len(), 1);
    assert_eq!(
        one(&stream, "f1", "ended")["targets"],
        serde_json::json!(["mine"])
    );
    assert_eq!(stream.totals()["errors"], serde_json::json!({}));
}

#[test]
fn what_cannot_be_hit_is_a_failed_fault_with_a_sentence_and_the_run_goes_on() {
    let server = Server::start(&[]);
    let lines = [
        serde_json::json!({"type": "target", "name": "no-pid", "url": server.ws()}),
        serde_json::json!({"type": "target", "name": "first", "url": server.ws(), "pid": 1}),
        serde_json::json!({"type": "target", "name": "gone", "url": server.ws(), "pid": 4_000_000}),
        serde_json::json!({"type": "target", "name": "parent", "url": server.ws(), "pid": std::process::id()}),
    ];
    let lines: Vec<String> = lines.iter().map(ToString::to_string).collect();
    let faults = "pause:name=no-pid@100ms+1s kill:name=first@100ms cpu:name=gone@100ms kill:name=parent@100ms \
                  kill:name=nobody@100ms pause:share=all@200ms+1s";
    for (strict, status) in [("", 0), ("--strict", 2)] {
        let run = Pipeline::new(format!(
            "mcp-chaos {strict} {faults} | mcp-gen {LOAD} --for 1s > run.jsonl"
        ))
        .stdin(lines.join("\n") + "\n")
        .run();
        run.assert_stages(&[status, 0]);
        let stream = run.recorded("run.jsonl");
        for (id, words) in [
            ("f1", "has no pid"),
            ("f2", "first of this machine"),
            ("f3", "was gone when its target record came"),
            ("f4", "has started this pipeline"),
            ("f5", "there are no-pid, first, gone, parent"),
            ("f6", "no-pid: its target record has no pid"),
        ] {
            let failed = one(&stream, id, "failed");
            assert!(failed["text"].as_str().unwrap().contains(words), "{failed}");
        }
        assert_eq!(
            stream.warnings("fault_failed").len(),
            9,
            "one for each target, and one for none"
        );
        assert_eq!(stream.totals()["errors"], serde_json::json!({}));
    }
}

#[test]
fn who_is_not_back_after_a_restart_is_a_failed_fault() {
    let server = Server::start(&[]);
    let run = Pipeline::new(format!(
        "mcp-gen {LOAD} --for 2s | mcp-chaos -q restart@steady+500ms > run.jsonl"
    ))
    .stdin(format!("{}\n", target("mine", &server)))
    .run();
    run.assert_stages(&[0, 0]);
    let stream = run.recorded("run.jsonl");
    one(&stream, "f1", "began");
    let failed = one(&stream, "f1", "failed");
    assert!(
        failed["text"].as_str().unwrap().contains("it is not back"),
        "{failed}"
    );
}

#[test]
fn without_a_journal_nothing_is_applied_that_would_have_to_be_taken_back() {
    let server = Server::start(&[]);
    let run = Pipeline::new(format!(
        "export MCPIPE_STATE=/proc/nowhere; mcp-chaos -q pause@0s+1s | mcp-gen {LOAD} --for 1s > run.jsonl"
    ))
    .stdin(format!("{}\n", target("mine", &server)))
    .run();
    assert_eq!(run.stages[0], 2, "{}", run.stderr);
    let text = String::from_utf8(run.file("run.jsonl")).unwrap();
    assert!(text.contains("journal needs a writable folder"), "{text}");
    assert!(!text.contains(r#""type":"fault""#), "{text}");
}
