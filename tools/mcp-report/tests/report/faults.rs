//! What faults did to the load, on courses whose truth is known.

use crate::course::{CHAOS, Course, Second, failing, fault, fine, scraped, silent};
use crate::forms::golden;
use crate::stream::{GEN, Report, Stream, command, report, verdict};
use record::kind::Fault;
use serde_json::Value;

/// Each target has 100 calls a second that take 2 ms.
fn steady(_: u64, _: usize) -> Second {
    fine(100, 2_000)
}

/// local-2 refuses all calls from 20 s to 25 s, and half of them for two seconds more.
fn outage(second: u64, target: usize) -> Second {
    match (second, target) {
        (20..25, 1) => failing(100, "connect_failed"),
        (25..27, 1) => Second {
            due: 100,
            ok: 50,
            us: 2_000,
            errors: vec![("connection_closed", 50)],
        },
        _ => steady(second, target),
    }
}

const HIT: &[&str] = &["local-2"];

fn partition() -> Vec<Fault> {
    fault("f1", "partition", HIT, 20_000, Some(25_000))
}

fn faults(stream: &Stream, args: &[&str]) -> Vec<Value> {
    let (v, _) = verdict(stream, args);
    v["report"]["faults"].as_array().unwrap().clone()
}

fn only(stream: &Stream) -> Value {
    let mut faults = faults(stream, &[]);
    assert_eq!(faults.len(), 1);
    faults.remove(0)
}

/// State and text of a gate.
fn judged(stream: &Stream, gate: &str) -> (String, String) {
    let (v, exit) = verdict(stream, &["--fail-if", gate]);
    let g = &v["gates"][0];
    let state = g["state"].as_str().unwrap().to_owned();
    let wanted = [("pass", 0), ("fail", 1), ("not judged", 3)];
    assert!(
        wanted.contains(&(state.as_str(), exit)),
        "{state} {exit}: {v}"
    );
    (state, g["text"].as_str().unwrap_or_default().to_owned())
}

#[test]
fn an_outage_of_one_of_two_targets_is_told_to_the_call() {
    let f = only(&Course::of(60, outage).stream(&partition()));
    assert_eq!(
        (f["began_t_us"].as_i64(), f["ended_t_us"].as_i64()),
        (Some(20_000_000), Some(25_000_000))
    );
    // Within its first second: that is over a second after the begin.
    assert_eq!(f["detect_us"], 1_000_000, "{f}");
    assert_eq!(f["detected_by"], "error rate of the targets hit");
    assert_eq!(
        (&f["recovered"], &f["recover_us"]),
        (&"yes".into(), &2_000_000.into())
    );
    assert_eq!(f["calls_lost"], 5 * 100 + 2 * 50);
    // 12,000 calls, of which 0.1 % may fail.
    let burnt = f["budget_burnt"].as_f64().unwrap();
    assert!((burnt - 600.0 / 12.0).abs() < 1e-9, "{burnt}");
    for (phase, lasted, calls, failed) in [
        ("before", 18, 3_600, 0),
        ("during", 5, 1_000, 500),
        ("recovering", 2, 400, 100),
        ("after", 35, 7_000, 0),
    ] {
        let p = &f[phase];
        assert_eq!(p["lasted_us"], lasted * 1_000_000, "{phase}: {p}");
        assert_eq!(
            (&p["all"]["calls"], &p["all"]["failed"]),
            (&calls.into(), &failed.into()),
            "{phase}"
        );
        assert_eq!(
            (&p["hit"]["failed"], &p["others"]["failed"]),
            (&failed.into(), &0.into()),
            "{phase}"
        );
        let halves = p["hit"]["calls"].as_u64().unwrap() + p["others"]["calls"].as_u64().unwrap();
        assert_eq!(halves, calls);
    }
    assert_eq!(f["during"]["all"]["error_rate"], 0.5);
    assert_eq!(f["during"]["hit"]["error_rate"], 1.0);
    assert_eq!(f["during"]["hit"]["ok_per_s"], 0.0);
    assert_eq!(f["during"]["others"]["ok_per_s"], 100.0);
    assert_eq!(
        f["before"]["all"]["p99_us"],
        f["during"]["others"]["p99_us"]
    );
    assert!(f["during"]["hit"]["p99_us"].is_null());
    assert!(f["why"].is_null(), "{}", f["why"]);
}

#[test]
fn a_fault_within_seconds_counts_from_its_own_instants() {
    // The load is the same; it ended 1 ms into a second that is fine, and began 0.3 s into one that is not.
    let f = only(
        &Course::of(60, |second, target| match (second, target) {
            (20..25, 1) => failing(100, "timeout"),
            _ => steady(second, target),
        })
        .stream(&fault("f1", "partition", HIT, 20_300, Some(25_001))),
    );
    assert_eq!(f["detect_us"], 700_000);
    assert_eq!(
        (f["recover_us"].as_u64(), f["calls_lost"].as_u64()),
        (Some(0), Some(500)),
        "{f}"
    );
    assert_eq!(f["during"]["lasted_us"], 5_000_000);
    assert_eq!(f["before"]["lasted_us"], 18_000_000);
}

#[test]
fn the_instant_since_t0_counts_where_a_clock_was_set_meanwhile() {
    let course = Course::of(60, outage);
    let mut wrong_clock = partition();
    wrong_clock.iter_mut().for_each(|f| f.at_us -= 7_000_000);
    let mut no_t = partition();
    no_t.iter_mut().for_each(|f| f.t_us = None);
    for records in [wrong_clock, no_t] {
        let f = only(&course.stream(&records));
        assert_eq!(
            (f["detect_us"].as_u64(), f["calls_lost"].as_u64()),
            (Some(1_000_000), Some(600))
        );
    }
}

#[test]
fn a_slower_target_leaves_the_band_by_its_p99_and_loses_no_call() {
    let f = only(
        &Course::of(40, |second, target| match (second, target) {
            (20..30, 1) => fine(100, 202_000),
            _ => steady(second, target),
        })
        .stream(&fault("f1", "latency", HIT, 20_000, Some(30_000))),
    );
    assert_eq!(
        (f["detect_us"].as_u64(), f["recover_us"].as_u64()),
        (Some(1_000_000), Some(0))
    );
    assert_eq!(f["detected_by"], "p99 of the targets hit");
    assert_eq!(
        (&f["calls_lost"], &f["budget_burnt"]),
        (&0.into(), &0.0.into())
    );
    let p50 = |phase: &str, of: &str| f[phase][of]["p50_us"].as_i64().unwrap();
    let moved = p50("during", "hit") - p50("before", "hit");
    assert!((moved - 200_000).abs() < 300, "{moved}");
    assert_eq!(p50("during", "others"), p50("before", "others"));
    // Percentiles are of merged histograms: half of all calls are slow, and no average of 2 and 202 ms is among them.
    assert!(f["during"]["all"]["p99_us"].as_u64().unwrap() >= 202_000);
    assert!(p50("during", "all") < 2_100);
}

#[test]
fn a_slowness_that_no_one_would_notice_stays_in_the_band() {
    let stream = Course::of(40, |second, target| match (second, target) {
        (20..30, 1) => fine(100, 6_000),
        _ => steady(second, target),
    })
    .stream(&fault("f1", "latency", HIT, 20_000, Some(30_000)));
    let f = only(&stream);
    assert_eq!(
        (&f["detect_us"], &f["recover_us"]),
        (&Value::Null, &0.into())
    );
    assert_eq!(f["why"], "no second left the band");
    assert_eq!(judged(&stream, "recovery_time > 1s").0, "pass");
    let (state, text) = judged(&stream, "detect_time > 5s");
    assert_eq!(
        (state.as_str(), text.as_str()),
        ("fail", "never, of f1: no second left the band")
    );
}

#[test]
fn one_second_of_a_p99_that_strays_is_believed_only_where_it_is_far() {
    // The edge is 7 ms: 5 above the usual 2.
    let detected = |truth| {
        let stream =
            Course::of(60, truth).stream(&fault("f1", "latency", HIT, 20_000, Some(30_000)));
        only(&stream)["detect_us"].as_u64()
    };
    let near = detected(|second, target| match (second, target) {
        (22, 1) => fine(100, 11_000),
        _ => steady(second, target),
    });
    assert_eq!(near, None);
    let far = detected(|second, target| match (second, target) {
        (22, 1) => fine(100, 13_000),
        _ => steady(second, target),
    });
    assert_eq!(far, Some(3_000_000));
    let twice = detected(|second, target| match (second, target) {
        (22..24, 1) => fine(100, 11_000),
        _ => steady(second, target),
    });
    assert_eq!(twice, Some(3_000_000));
    // Half a minute later, it is something else's doing.
    let late = detected(|second, target| match (second, target) {
        (33..40, 1) => fine(100, 300_000),
        _ => steady(second, target),
    });
    assert_eq!(late, None);
}

#[test]
fn a_target_that_is_silent_is_detected_before_any_call_has_failed() {
    // Stopped for 5 s: what was due meanwhile is answered in the second after.
    let f = only(
        &Course::of(40, |second, target| match (second, target) {
            (20..25, 1) => silent(100),
            (25, 1) => Second {
                due: 100,
                ok: 600,
                us: 2_500_000,
                errors: vec![],
            },
            _ => steady(second, target),
        })
        .stream(&fault("f1", "pause", HIT, 20_000, Some(25_000))),
    );
    assert_eq!(
        (f["detect_us"].as_u64(), f["recover_us"].as_u64()),
        (Some(1_000_000), Some(1_000_000)),
        "{f}"
    );
    assert_eq!(f["detected_by"], "unanswered calls of the targets hit");
    assert_eq!(f["calls_lost"], 0);
    assert_eq!(f["during"]["hit"]["calls"], 0);
    assert!(f["during"]["hit"]["error_rate"].is_null());
}

#[test]
fn what_happens_at_the_other_targets_is_told_from_what_happens_at_those_hit() {
    let f = only(
        &Course::of(40, |second, target| match (second, target) {
            (20..25, 0) => silent(100),
            (25, 0) => Second {
                due: 100,
                ..fine(600, 2_000_000)
            },
            _ => steady(second, target),
        })
        .stream(&partition()),
    );
    assert_eq!(f["detected_by"], "unanswered calls", "{f}");
    assert_eq!(f["during"]["hit"]["calls"], 500);
    assert_eq!(f["during"]["others"]["calls"], 0);
}

#[test]
fn a_fault_is_watched_to_its_end_though_another_begins_meanwhile() {
    let all = faults(
        &Course::of(60, |second, target| match (second, target) {
            (27..30, 1) => failing(100, "timeout"),
            _ => steady(second, target),
        })
        .stream(
            &[
                fault("f1", "partition", HIT, 20_000, Some(30_000)),
                fault("f2", "kill", &["local-1"], 25_000, Some(25_000)),
            ]
            .concat(),
        ),
        &[],
    );
    assert_eq!(
        (&all[0]["detect_us"], &all[0]["calls_lost"]),
        (&8_000_000.into(), &300.into())
    );
    assert_eq!(all[1]["overlaps"], serde_json::json!(["f1"]));
}

#[test]
fn calls_that_time_out_long_after_a_black_hole_are_its_doing() {
    // Calls of 20 to 25 s are lost, and time out 10 s later; meanwhile everything else is fine.
    let stream = Course::of(60, |second, target| match (second, target) {
        (20..25, 1) => silent(100),
        (30..35, 1) => Second {
            errors: vec![("timeout", 100)],
            ..fine(100, 2_000)
        },
        _ => steady(second, target),
    })
    .stream(&fault("f1", "timeout", HIT, 20_000, Some(25_000)));
    let f = only(&stream);
    assert_eq!(f["calls_lost"], 500, "{f}");
    // The last call that it held was given up within the second that ends at 35 s.
    assert_eq!(f["recover_us"], 10_000_000);
    assert_eq!(f["recovering"]["hit"]["never"], 500);
    assert!(f["recovering"]["hit"]["p99_us"].is_null());
    assert!(report(&stream, &[]).stdout.contains("> timeout"));
}

#[test]
fn users_who_all_wait_make_no_calls_and_are_not_taken_for_peace() {
    // Closed model: two users each, so that never more than two calls are open, and none is due while they wait.
    let f = only(
        &Course::of(40, |second, target| match (second, target) {
            (19, _) => Second {
                due: 102,
                ..fine(100, 2_000)
            },
            (20..24, _) => Second::default(),
            (24, _) => Second {
                ok: 102,
                ..fine(100, 2_000)
            },
            _ => steady(second, target),
        })
        .stream(&fault(
            "f1",
            "pause",
            &["local-1", "local-2"],
            20_000,
            Some(24_000),
        )),
    );
    assert_eq!(
        (f["detect_us"].as_u64(), f["recover_us"].as_u64()),
        (Some(1_000_000), Some(0)),
        "{f}"
    );
    assert_eq!(f["detected_by"], "no answers");
    assert!(f["during"]["hit"].is_null(), "it hit all");
}

#[test]
fn of_what_is_over_at_once_the_effect_is_what_follows() {
    let stream = Course::of(40, |second, target| match (second, target) {
        (20..23, 1) => failing(100, "connection_closed"),
        _ => steady(second, target),
    })
    .stream(&fault("f1", "kill", HIT, 20_000, Some(20_000)));
    let f = only(&stream);
    assert_eq!(
        (f["detect_us"].as_u64(), f["recover_us"].as_u64()),
        (Some(1_000_000), Some(3_000_000))
    );
    assert_eq!(
        (&f["calls_lost"], &f["during"]["lasted_us"]),
        (&300.into(), &3_000_000.into())
    );
    assert!(f["recovering"].is_null());
    assert_eq!(f["after"]["lasted_us"], 19_000_000);
    let shown = report(&stream, &[]).stdout;
    assert!(shown.contains("at once"), "{shown}");
}

#[test]
fn two_good_seconds_are_no_recovery_and_three_are() {
    // 25 and 26 are good, 27 is not, 28 and on are.
    let f = only(
        &Course::of(40, |second, target| match (second, target) {
            (20..25 | 27, 1) => failing(100, "http_error"),
            _ => steady(second, target),
        })
        .stream(&partition()),
    );
    assert_eq!(
        (f["recover_us"].as_u64(), f["calls_lost"].as_u64()),
        (Some(3_000_000), Some(600))
    );
    // 25, 26 and 27 are good: what comes later is another story.
    let f = only(
        &Course::of(40, |second, target| match (second, target) {
            (20..25 | 28, 1) => failing(100, "http_error"),
            _ => steady(second, target),
        })
        .stream(&partition()),
    );
    assert_eq!(
        (f["recover_us"].as_u64(), f["calls_lost"].as_u64()),
        (Some(0), Some(500))
    );
}

#[test]
fn a_load_that_never_comes_back_says_never() {
    let stream = Course::of(40, |second, target| match (second, target) {
        (20.., 1) => failing(100, "connect_failed"),
        _ => steady(second, target),
    })
    .stream(&partition());
    let f = only(&stream);
    assert_eq!(
        (&f["recovered"], &f["recover_us"]),
        (&"never".into(), &Value::Null)
    );
    assert_eq!(f["calls_lost"], 22 * 100);
    assert!(f["after"].is_null());
    for gate in ["recovery_time > 5s", "recovery_time{fault=\"f1\"} >= 1h"] {
        let (state, text) = judged(&stream, gate);
        assert_eq!(state, "fail");
        assert_eq!(
            text,
            "never, of f1: still outside of the band at the end of the load, 17.0 s after it"
        );
    }
    let shown = report(&stream, &["--fail-if", "recovery_time > 5s"]);
    assert!(
        shown.stdout.contains("recovery_time > 5s  FAIL   never"),
        "{}",
        shown.stdout
    );
}

#[test]
fn a_load_that_ends_too_early_leaves_it_open() {
    let truth = |second, target| match (second, target) {
        (20..27, 1) => failing(100, "connect_failed"),
        _ => steady(second, target),
    };
    for (seconds, why) in [
        (
            25,
            "the load ended 2.00 s after it, and to be back takes 3.00 s",
        ),
        (
            27,
            "the load ended when the figures had been back for 2.00 s, and to be back takes 3.00 s",
        ),
        (20, "it lasted beyond the end of the load"),
    ] {
        let stream = Course::of(seconds, truth).stream(&partition());
        let f = only(&stream);
        assert_eq!(
            (&f["recovered"], &f["why"]),
            (&"unknown".into(), &why.into()),
            "{f}"
        );
        let (state, text) = judged(&stream, "recovery_time > 5s");
        assert_eq!((state.as_str(), text), ("not judged", format!("f1: {why}")));
        // What it cost until then is known.
        assert_eq!(judged(&stream, "calls_lost > 100").0, "fail");
    }
    let back = Course::of(28, truth).stream(&partition());
    assert_eq!(only(&back)["recover_us"], 2_000_000);
}

#[test]
fn with_too_little_before_there_is_nothing_to_compare_with() {
    let early =
        |ms| Course::of(40, outage).stream(&fault("f1", "partition", HIT, ms, Some(25_000)));
    let f = only(&early(6_900));
    let why = "too little before it to compare with: 4 whole seconds of its stage without another fault, and it takes 5";
    assert_eq!(f["why"], why);
    assert!(f["detect_us"].is_null() && f["calls_lost"].is_null() && f["band"].is_null());
    assert_eq!(
        (&f["during"]["all"]["failed"], &f["before"]["lasted_us"]),
        (&500.into(), &4_000_000.into())
    );
    assert_eq!(
        judged(&early(6_900), "recovery_time > 1h"),
        ("not judged".to_owned(), format!("f1: {why}"))
    );
    assert_eq!(only(&early(7_000))["band"]["seconds"], 5);
    // Its failures are known all the same.
    assert_eq!(judged(&early(6_900), "budget_burnt > 100%").0, "fail");
}

#[test]
fn the_band_is_that_of_the_last_minute() {
    // 90 s of slow calls long before: not of the minute that counts.
    let f = only(
        &Course::of(200, |second, target| match (second, target) {
            (0..100, _) => fine(100, 900_000),
            (160..165, 1) => fine(100, 40_000),
            _ => steady(second, target),
        })
        .stream(&fault("f1", "latency", HIT, 160_000, Some(165_000))),
    );
    assert_eq!(
        (&f["band"]["seconds"], &f["detect_us"]),
        (&60.into(), &1_000_000.into()),
        "{f}"
    );
    assert_eq!(f["before"]["from_t_us"], 100_000_000);
    assert_eq!(f["after"]["lasted_us"], 37_000_000);
}

#[test]
fn faults_that_overlap_say_so_and_are_no_steady_state_for_each_other() {
    let stream = Course::of(80, |second, target| match (second, target) {
        (20..30, 0) | (25..35, 1) | (50..52, 0) => failing(100, "timeout"),
        _ => steady(second, target),
    })
    .stream(
        &[
            fault("f1", "partition", &["local-1"], 20_000, Some(30_000)),
            fault("f2", "partition", HIT, 25_000, Some(35_000)),
            fault("f3", "kill", &["local-1"], 50_000, Some(50_000)),
        ]
        .concat(),
    );
    let all = faults(&stream, &[]);
    let overlaps: Vec<_> = all.iter().map(|f| f["overlaps"].clone()).collect();
    assert_eq!(
        overlaps,
        [
            serde_json::json!(["f2"]),
            serde_json::json!(["f1"]),
            serde_json::json!([])
        ]
    );
    // f2's steady state is 2 to 20 s, f3's 2 to 20 and 35 to 50 s.
    let seconds: Vec<_> = all
        .iter()
        .map(|f| f["band"]["seconds"].as_u64().unwrap())
        .collect();
    assert_eq!(seconds, [18, 18, 33]);
    // What f1 leaves is not over until f2 is.
    let recovered: Vec<_> = all
        .iter()
        .map(|f| f["recover_us"].as_u64().unwrap())
        .collect();
    assert_eq!(recovered, [5_000_000, 0, 2_000_000]);
    assert_eq!(all[2]["before"]["all"]["failed"], 0);
    let shown = report(&stream, &[]).stdout;
    assert!(shown.contains("f1: it overlaps with f2"), "{shown}");
    // The worst of those that a gate is about.
    for (gate, state, text) in [
        ("recovery_time > 4s", "fail", "it is 5.00 s of f1 partition"),
        (
            "recovery_time{kind=\"kill\"} > 4s",
            "pass",
            "it is 2.00 s of f3 kill",
        ),
        (
            "recovery_time{fault=\"f2\"} > 0",
            "pass",
            "it is 0 µs of f2 partition",
        ),
        (
            "calls_lost{kind=\"kill\"} > 199",
            "fail",
            "it is 200 of f3 kill",
        ),
        ("detect_time > 1s", "pass", "it is 1.00 s of f1 partition"),
        ("detect_time < 2s", "fail", "it is 1.00 s of f1 partition"),
    ] {
        let found = judged(&stream, gate);
        assert_eq!(found, (state.to_owned(), text.to_owned()), "{gate}");
    }
}

#[test]
fn a_fault_is_not_blamed_for_what_begins_with_the_next() {
    let all = faults(
        &Course::of(80, |second, target| match (second, target) {
            (30..32, 1) => failing(100, "timeout"),
            _ => steady(second, target),
        })
        .stream(
            &[
                fault("f1", "kill", &["local-1"], 20_000, Some(20_000)),
                fault("f2", "kill", HIT, 30_000, Some(30_000)),
            ]
            .concat(),
        ),
        &[],
    );
    assert_eq!(
        (&all[0]["detect_us"], &all[0]["calls_lost"]),
        (&Value::Null, &0.into())
    );
    assert_eq!(
        (&all[1]["detect_us"], &all[1]["calls_lost"]),
        (&1_000_000.into(), &200.into())
    );
    assert_eq!(all[0]["after"]["lasted_us"], 10_000_000, "until the next");
}

#[test]
fn what_shows_first_half_a_minute_after_its_end_is_another_story() {
    let late = only(
        &Course::of(80, |second, target| match (second, target) {
            (54..56, 1) => failing(100, "rpc_error"),
            _ => steady(second, target),
        })
        .stream(&partition()),
    );
    assert_eq!(
        (&late["detect_us"], &late["calls_lost"]),
        (&35_000_000.into(), &200.into())
    );
    let later = only(
        &Course::of(80, |second, target| match (second, target) {
            (55..57, 1) => failing(100, "rpc_error"),
            _ => steady(second, target),
        })
        .stream(&partition()),
    );
    assert_eq!(
        (&later["detect_us"], &later["calls_lost"]),
        (&Value::Null, &0.into())
    );
}

#[test]
fn calls_that_end_after_the_load_are_lost_to_the_fault_that_held_them() {
    let course = Course {
        drain: 10,
        ..Course::of(28, |second, target| match (second, target) {
            (20..30, 1) => silent(100),
            (30.., 0) => Second::default(),
            (30..40, 1) => Second {
                errors: vec![("timeout", 100)],
                ..Second::default()
            },
            _ => steady(second, target),
        })
    };
    let f = only(&course.stream(&partition()[..1]));
    assert_eq!(f["calls_lost"], 1_000, "{f}");
    assert_eq!(f["during"]["lasted_us"], 10_000_000);
    assert_eq!(f["during"]["hit"]["failed"], 0);
}

#[test]
fn the_steady_state_is_that_of_the_stage_in_which_the_fault_begins() {
    // Until the middle of second 12 the calls are those of another stage, and twenty times as slow.
    let stream = Course::of(40, |second, target| match (second, target) {
        (..13, _) => fine(100, 40_000),
        (20..25, 1) => fine(100, 30_000),
        _ => steady(second, target),
    })
    .stream(&partition());
    let text = String::from_utf8(stream.bytes).unwrap();
    let mut bytes = Vec::new();
    for line in text.lines() {
        let mut v: Value = serde_json::from_str(line).unwrap();
        let second = v["start_us"]
            .as_u64()
            .unwrap_or(0)
            .saturating_sub(crate::stream::T0_US)
            / 1_000_000;
        if v["type"] == "interval" && second == 12 {
            // Cut in two where the stage ends, as mcp-gen does.
            v["span_us"] = 500_000.into();
            let mut first = v.clone();
            first["stage"] = "step-1".into();
            bytes.extend(format!("{first}\n").bytes());
            v["start_us"] = (v["start_us"].as_u64().unwrap() + 500_000).into();
        } else if v["type"] == "interval" && second < 12 {
            v["stage"] = "step-1".into();
        }
        bytes.extend(format!("{v}\n").bytes());
    }
    let f = only(&Stream {
        bytes,
        ..Stream::default()
    });
    // 13 to 20: the second that two stages share is no whole one of either.
    assert_eq!(f["band"]["seconds"], 7, "{f}");
    assert_eq!(f["before"]["all"]["calls"], 1_400);
    assert_eq!(f["detected_by"], "p99 of the targets hit");
}

#[test]
fn a_fault_that_nobody_ended_lasts_to_the_end_of_the_load() {
    let began = &partition()[..1];
    let stream = Course::of(60, outage).stream(began);
    let f = only(&stream);
    assert_eq!(
        (&f["state"], &f["recovered"]),
        (&"began".into(), &"unknown".into())
    );
    assert_eq!(f["why"], "it was not ended before the stream was over");
    assert_eq!(
        (&f["detect_us"], &f["during"]["lasted_us"]),
        (&1_000_000.into(), &42_000_000.into())
    );
    assert_eq!(f["calls_lost"], 600);
    let mut stuck = began[0].clone();
    stuck.state = "failed".into();
    stuck.text = Some("iptables is gone".into());
    let shown = report(
        &Course::of(60, outage).stream(&[began[0].clone(), stuck]),
        &[],
    )
    .stdout;
    assert!(
        shown.contains("f1: it could not be taken back: iptables is gone"),
        "{shown}"
    );
}

#[test]
fn a_fault_that_could_not_be_applied_is_listed_with_its_sentence_and_passes_no_gate() {
    let failed = Fault {
        state: "failed".into(),
        text: Some("local-2 has no pid".into()),
        ..partition().remove(0)
    };
    let stream = Course::of(60, outage).stream(&[failed]);
    let f = only(&stream);
    assert_eq!(f["why"], "it could not be applied: local-2 has no pid");
    assert!(f["before"].is_null() && f["began_us"].is_null());
    let (state, text) = judged(&stream, "recovery_time > 5s");
    assert_eq!(
        (state.as_str(), text.as_str()),
        (
            "not judged",
            "f1: it could not be applied: local-2 has no pid"
        )
    );
    assert!(report(&stream, &[]).stdout.contains("local-2 has no pid"));
}

#[test]
fn a_gate_on_faults_without_a_fault_is_not_judged() {
    let none = Course::of(20, steady).stream(&[]);
    for gate in [
        "recovery_time > 5s",
        "detect_time > 5s",
        "budget_burnt > 50%",
        "calls_lost > 0",
    ] {
        let found = judged(&none, gate);
        assert_eq!(
            found,
            (
                "not judged".to_owned(),
                "no fault was applied: see mcp-chaos".to_owned()
            )
        );
    }
    let some = Course::of(60, outage).stream(&partition());
    let (state, text) = judged(&some, "calls_lost{kind=\"kill\"} > 0");
    assert_eq!(
        (state.as_str(), text.as_str()),
        (
            "not judged",
            "no such fault was applied (faults: f1 partition)"
        )
    );
}

#[test]
fn the_budget_is_what_the_objective_lets_fail() {
    let stream = Course::of(60, outage).stream(&partition());
    for (objective, burnt) in [("99.9%", 50.0), ("99%", 5.0), ("90%", 0.5)] {
        let f = &faults(&stream, &["--objective", objective])[0];
        let found = f["budget_burnt"].as_f64().unwrap();
        assert!((found - burnt).abs() < 1e-9, "{objective}: {found}");
    }
    let gate = ["--objective", "90%", "--fail-if", "budget_burnt > 60%"];
    assert_eq!(verdict(&stream, &gate).1, 0);
    let gate = ["--objective", "90%", "--fail-if", "budget_burnt > 40%"];
    assert_eq!(verdict(&stream, &gate).1, 1);
    for wrong in ["100%", "0%", "101%", "all"] {
        let usage = report(&stream, &["--objective", wrong]);
        assert_eq!(usage.exit, Some(2), "{wrong}");
        assert!(usage.stderr.contains("write"), "{}", usage.stderr);
    }
}

#[test]
fn a_rate_of_errors_before_is_not_counted_as_lost() {
    // One call of a hundred fails all along.
    let f = only(
        &Course::of(60, |second, target| match (second, target) {
            (20..25, 1) => failing(100, "timeout"),
            _ => Second {
                due: 100,
                ok: 99,
                us: 2_000,
                errors: vec![("rpc_error", 1)],
            },
        })
        .stream(&partition()),
    );
    // 505 fail of 1,000; 10 would have anyway.
    assert_eq!(
        (&f["calls_lost"], &f["recover_us"]),
        (&495.into(), &0.into()),
        "{f}"
    );
    assert_eq!(f["band"]["outside"], 0);
}

#[test]
fn errors_that_were_expected_are_none_here_either() {
    let stream = Course::of(60, outage).stream(&partition());
    let f = &faults(&stream, &["--expect", "connect_failed"])[0];
    // The half that was cut off after 25 s is left.
    assert_eq!(
        (&f["calls_lost"], &f["detect_us"]),
        (&100.into(), &6_000_000.into())
    );
}

#[test]
fn a_slow_reader_makes_figures_coarser_and_not_wrong() {
    let course = Course {
        added_up: Some((19, 4)),
        ..Course::of(60, outage)
    };
    let f = only(&course.stream(&partition()));
    // The interval of 19 to 23 s holds the begin; three of its seconds are bad.
    assert_eq!(
        (f["detect_us"].as_u64(), f["calls_lost"].as_u64()),
        (Some(3_000_000), Some(600)),
        "{f}"
    );
    assert_eq!(
        (&f["before"]["lasted_us"], &f["during"]["lasted_us"]),
        (&17_000_000.into(), &6_000_000.into())
    );
    assert_eq!(f["recover_us"], 2_000_000);
}

#[test]
fn order_and_number_of_streams_change_nothing() {
    let course = Course::of(60, outage);
    let in_order = only(&course.stream(&partition()));
    // All faults after all intervals, and before all of them.
    for first in [true, false] {
        let mut s = Stream::default();
        s.start(CHAOS).start(GEN).ready(1);
        let put = |s: &mut Stream| {
            for fault in partition() {
                s.put(CHAOS, fault);
            }
        };
        if first {
            put(&mut s);
        }
        course.write(&mut s, &[]);
        if !first {
            put(&mut s);
        }
        s.end(CHAOS, "done");
        assert_eq!(only(&s), in_order);
    }
    // Two generators of two machines, whose seconds begin 3 ms apart, each in a file of its own; the fault is in the
    // second.
    let mut paths = Vec::new();
    for (i, from) in [GEN, "mcp-gen#beef01"].into_iter().enumerate() {
        let half = Course {
            from,
            targets: vec![["local-1"], ["local-2"]][i].to_vec(),
            truth: [|s, _| outage(s, 0), |s, _| outage(s, 1)][i],
            offset_us: 3_000 * i as u64,
            ..Course::of(60, outage)
        };
        let mut s = Stream::default();
        s.start(from).ready(2);
        half.write(&mut s, &[]);
        if i == 1 {
            for fault in partition() {
                s.put(CHAOS, fault);
            }
        }
        let path =
            std::path::PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("half-{i}.jsonl"));
        std::fs::write(&path, &s.bytes).unwrap();
        paths.push(path);
    }
    let mut args: Vec<&str> = paths.iter().map(|p| p.to_str().unwrap()).collect();
    args.extend(["--format", "json"]);
    let v = Report::of(command(&args).output().unwrap()).json();
    assert_eq!(v["report"]["faults"][0], in_order);
}

#[test]
fn a_torn_stream_is_told_and_its_faults_are_still_looked_at() {
    let stream = scraped(&Course::of(60, outage), &partition());
    assert_eq!(only(&stream)["calls_lost"], 600);
    let torn = stream
        .without(&["\"type\":\"summary\""])
        .without(&["\"type\":\"end\"", GEN]);
    let (v, exit) = verdict(&torn, &["--fail-if", "recovery_time > 1s"]);
    assert_eq!(exit, 3);
    assert_eq!(v["report"]["faults"][0]["recover_us"], 2_000_000);
    // Cut in the middle of the fault.
    let text = String::from_utf8(stream.bytes).unwrap();
    let cut = text
        .lines()
        .position(|l| l.contains(&format!("{}", crate::stream::T0_US + 23_000_000)))
        .unwrap();
    let lines: String = text.split_inclusive('\n').take(cut).collect();
    let f = only(&Stream {
        bytes: lines.into_bytes(),
        ..Stream::default()
    });
    assert_eq!(
        (&f["detect_us"], &f["recovered"]),
        (&1_000_000.into(), &"unknown".into())
    );
    assert_eq!(
        (&f["calls_lost"], &f["during"]["lasted_us"]),
        (&300.into(), &3_000_000.into())
    );
}

#[test]
fn targets_that_have_no_calls_of_their_own_are_told() {
    let f =
        only(&Course::of(60, outage).stream(&fault("f1", "kill", &["db-1"], 20_000, Some(25_000))));
    assert!(f["during"]["hit"].is_null());
    let why = "calls are counted for none of its targets, so the figures are those of all calls";
    assert_eq!(
        (&f["why"], &f["detected_by"]),
        (&why.into(), &"error rate".into())
    );
}

#[test]
fn two_instances_of_mcp_chaos_may_both_have_an_f1() {
    let mut s = Course::of(60, outage).stream(&partition());
    for f in fault("f1", "kill", HIT, 40_000, Some(40_000)) {
        s.put("mcp-chaos#000001", f);
    }
    let kinds: Vec<_> = faults(&s, &[]).iter().map(|f| f["kind"].clone()).collect();
    assert_eq!(kinds, ["partition", "kill"]);
}

#[test]
fn many_faults_have_a_row_each_and_no_figures_of_phases() {
    let each = |i: u64| {
        fault(
            &format!("f1.{i}"),
            "kill",
            HIT,
            10_000 + i * 10_000,
            Some(10_000 + i * 10_000),
        )
    };
    let all: Vec<Fault> = (0..5).flat_map(each).collect();
    let shown = report(&Course::of(60, steady).stream(&all), &[]).stdout;
    assert!(
        shown.contains("f1.4") && !shown.contains("during"),
        "{shown}"
    );
    assert!(
        report(&Course::of(60, steady).stream(&all[..8]), &[])
            .stdout
            .contains("before")
    );
}

/// An outage, a kill without effect, and a fault that failed.
fn rich() -> Stream {
    let failed = Fault {
        state: "failed".into(),
        text: Some("netem is not in this kernel".into()),
        ..fault("f3", "latency", &["local-1"], 50_000, None).remove(0)
    };
    let mut all = partition();
    all.extend(fault("f2", "kill", &["local-1"], 40_000, Some(40_000)));
    all.push(failed);
    Course::of(60, outage).stream(&all)
}

#[test]
fn random_bytes_and_hostile_instants_never_make_it_fall_over() {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    for _ in 0..20 {
        let mut s = rich();
        for _ in 0..200 {
            let at = (next() as usize) % s.bytes.len();
            // Digits keep more lines readable than other bytes.
            s.bytes[at] = b'0' + (next() % 10) as u8;
        }
        let exit = report(&s, &["--fail-if", "recovery_time > 1s"]).exit;
        assert!(matches!(exit, Some(0..=3)), "{exit:?}");
    }
    for t_us in [i64::MIN, -1, 0, i64::MAX] {
        for at_us in [0, u64::MAX >> 11] {
            let mut records = partition();
            records[0].t_us = Some(t_us);
            records[1].at_us = at_us;
            records[1].t_us = (at_us == 0).then_some(t_us.saturating_neg());
            let exit = report(&Course::of(30, outage).stream(&records), &[]).exit;
            assert_eq!(exit, Some(0), "{t_us} {at_us}");
        }
    }
}

#[test]
fn the_section_is_the_one_that_was_looked_at() {
    let gates = [
        "--fail-if",
        "recovery_time > 1s",
        "--fail-if",
        "calls_lost{kind=\"kill\"} > 0",
    ];
    let section = |shown: String, title: &str| shown[shown.find(title).unwrap()..].to_owned();
    let shown = report(&rich(), &gates);
    assert_eq!(shown.exit, Some(1));
    golden("faults.txt", &section(shown.stdout, "Faults\n"));
    let shown = report(&rich(), &[&["--format", "markdown"], &gates[..]].concat());
    golden("faults.md", &section(shown.stdout, "## Faults\n"));
}
