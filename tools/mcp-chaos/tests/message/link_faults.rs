//! Faults on lines and on WebSocket, by value.

use crate::speak::*;
use crate::talk::{Talk, fault};
use mcp_chaos::message::{Rules, Side, Wire};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// How a link carries messages.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Link {
    Lines,
    Frames,
}

use Link::{Frames, Lines};

impl Link {
    fn talk(self, faults: &[&str]) -> Talk {
        match self {
            Lines => Talk::with(Wire::Lines, faults),
            Frames => {
                let mut talk = Talk::with(Wire::Http, faults);
                talk.client(UPGRADE).server(UPGRADED);
                talk.passes.clear();
                talk
            }
        }
    }

    fn asks(self, text: &str) -> Vec<u8> {
        match self {
            Lines => format!("{text}\n").into_bytes(),
            Frames => masked(text),
        }
    }

    fn answers(self, text: &str) -> Vec<u8> {
        match self {
            Lines => format!("{text}\n").into_bytes(),
            Frames => frame(text),
        }
    }

    /// The texts in what came out.
    fn texts(self, bytes: &[u8]) -> Vec<String> {
        match self {
            Lines => {
                let text = String::from_utf8(bytes.to_vec()).unwrap();
                assert!(text.is_empty() || text.ends_with('\n'));
                text.lines().map(str::to_owned).collect()
            }
            Frames => frames(bytes),
        }
    }

    /// Two calls of `echo`, one of `other`, and their answers in this order.
    fn three(self, faults: &[&str]) -> Talk {
        let mut talk = self.talk(faults);
        for (id, tool) in [(1, "echo"), (2, "echo"), (3, "other")] {
            talk.client(self.asks(&call(id, tool)));
        }
        for id in 1..=3 {
            talk.server(self.answers(&result(id)));
        }
        talk
    }

    fn values(self, talk: &Talk) -> Vec<Value> {
        let texts = self.texts(&talk.all(Side::Client));
        texts
            .iter()
            .map(|text| serde_json::from_str(text).unwrap())
            .collect()
    }
}

fn ids(values: &[Value]) -> Vec<u64> {
    values
        .iter()
        .map(|value| value["id"].as_u64().unwrap())
        .collect()
}

#[test]
fn a_dropped_answer_never_comes_and_the_others_do() {
    for link in [Lines, Frames] {
        let talk = link.three(&["drop_answer:tool=echo,nth=2"]);
        assert_eq!(ids(&link.values(&talk)), [1, 3], "{link:?}");
        assert_eq!((talk.count("matched"), talk.count("hit")), (2, 1));
    }
}

#[test]
fn a_late_answer_is_overtaken() {
    for link in [Lines, Frames] {
        let mut talk = link.three(&["delay_answer:delay=200ms,first=1"]);
        assert_eq!(ids(&link.values(&talk)), [2, 3, 1]);
        let late = talk.timed(Side::Client).last().unwrap().0;
        assert_eq!(late, talk.now_us + 200_000);
        if link == Frames {
            // Behind a close frame nothing counts, so it waits for the answer.
            talk.server([0x88, 2, 3, 0xe8]);
            let last = talk.timed(Side::Client).pop().unwrap();
            assert_eq!(last, (late, vec![0x88, 2, 3, 0xe8]));
        }
        talk.ended(Side::Server);
        assert_eq!(talk.end(Side::Client), Some(late));
    }
    let mut late = Vec::new();
    for n in 0..1_000 {
        let mut talk = Lines.talk(&[]);
        talk.rules
            .begin("f1", fault("delay_answer:delay=200ms,jitter=50ms"), n);
        talk.client(Lines.asks(&call(1, "echo")))
            .server(Lines.answers(&result(1)));
        late.push(talk.timed(Side::Client)[0].0 - talk.now_us);
    }
    assert!(late.iter().all(|us| (150_000..=250_000).contains(us)));
    let mean = late.iter().sum::<u64>() / 1_000;
    assert!((197_000..203_000).contains(&mean), "{mean}");
}

#[test]
fn a_duplicate_is_the_same_twice() {
    for link in [Lines, Frames] {
        let talk = link.three(&["duplicate_answer:nth=2"]);
        assert_eq!(ids(&link.values(&talk)), [1, 2, 2, 3]);
        let texts = link.texts(&talk.all(Side::Client));
        assert_eq!(texts[1], texts[2]);
    }
}

#[test]
fn an_answer_lets_the_next_one_go_first_or_goes_when_its_time_is_over() {
    for link in [Lines, Frames] {
        let mut talk = link.three(&["reorder_answers:hold=50ms,nth=2"]);
        assert_eq!(ids(&link.values(&talk)), [1, 3, 2]);
        // All in the same instant: nobody waits where there is no need.
        assert!(
            talk.timed(Side::Client)
                .iter()
                .all(|(at, _)| *at == talk.now_us)
        );
        assert_eq!(talk.conversation.due_us(), None);

        talk.client(link.asks(&call(4, "echo")))
            .server(link.answers(&result(4)));
        assert_eq!(talk.conversation.due_us(), Some(talk.now_us + 50_000));
        talk.server(link.answers(PROGRESS)).later(49_999);
        assert_eq!(link.values(&talk).len(), 4, "a notification is no answer");
        talk.later(1);
        assert_eq!(link.values(&talk)[4]["id"], 4);
        talk.client(link.asks(&call(5, "echo")))
            .server(link.answers(&result(5)));
        talk.client(link.asks(&call(6, "echo")))
            .server(link.answers(&result(6)));
        talk.ended(Side::Server);
        assert_eq!(
            link.values(&talk).last().unwrap()["id"],
            6,
            "what waits goes before the end"
        );
    }
}

#[test]
fn two_answers_exchange_their_ids_and_nothing_else() {
    for link in [Lines, Frames] {
        let mut talk = link.talk(&["swap_ids:first=1"]);
        for id in ["1", "\"b\"", "3"] {
            talk.client(link.asks(&call(id, "echo")));
        }
        for (id, text) in [("1", "one"), ("3", "three"), ("\"b\"", "two")] {
            talk.server(link.answers(&result(id).replace("Echo: hi é", text)));
        }
        let got: BTreeMap<String, String> = link
            .values(&talk)
            .iter()
            .map(|v| {
                (
                    v["result"]["content"][0]["text"]
                        .as_str()
                        .unwrap()
                        .to_owned(),
                    v["id"].to_string(),
                )
            })
            .collect();
        // The one that was asked last waits longest, most likely.
        let expected = [("one", "3"), ("three", "1"), ("two", "\"b\"")];
        assert_eq!(
            got,
            expected.map(|(a, b)| (a.to_owned(), b.to_owned())).into()
        );
        assert_eq!(talk.count("hit"), 2);
        let mut talk = link.talk(&["swap_ids"]);
        talk.client(link.asks(&call(1, "echo")))
            .server(link.answers(&result(1)));
        assert_eq!((talk.count("alone"), talk.count("hit")), (1, 0));
        assert_eq!(talk.all(Side::Client), link.answers(&result(1)));
    }
}

#[test]
fn an_answer_that_carries_the_id_of_another_one_exchanges_it_no_further() {
    for link in [Lines, Frames] {
        let mut talk = link.talk(&["swap_ids"]);
        for id in 1..=4 {
            talk.client(link.asks(&call(id, "echo")));
        }
        for id in [1, 4, 2, 3] {
            talk.server(link.answers(&result(id)));
        }
        let values = link.values(&talk);
        let ids: Vec<u64> = values.iter().filter_map(|v| v["id"].as_u64()).collect();
        assert_eq!(ids, [4, 1, 3, 2], "{link:?}: each request has an answer");
        let counts = ["matched", "hit", "alone"].map(|what| talk.count(what));
        assert_eq!(counts, [4, 4, 0], "{link:?}");
    }
}

#[test]
fn a_cut_text_lies_in_a_whole_frame_or_line() {
    for link in [Lines, Frames] {
        for keep in ["0%", "10%", "64%", "66%", "100%"] {
            let talk = link.three(&[&format!("truncate_json:keep={keep},nth=2")]);
            let texts = link.texts(&talk.all(Side::Client));
            assert_eq!(texts.len(), 3, "{link:?} {keep}");
            assert_eq!((&*texts[0], &*texts[2]), (&*result(1), &*result(3)));
            assert!(result(2).starts_with(&texts[1]) && !texts[1].is_empty());
            assert!(serde_json::from_str::<Value>(&texts[1]).is_err());
        }
    }
}

#[test]
fn errors_take_the_place_of_results() {
    for link in [Lines, Frames] {
        let talk = link.three(&["tool_error:text=\"broken\",tool=echo,nth=2"]);
        let values = link.values(&talk);
        assert_eq!(values[1]["result"]["isError"], true);
        assert_eq!(values[1]["result"]["content"][0]["text"], "\"broken\"");
        assert_eq!(values[1]["result"].get("resultType"), None);
        assert_eq!(ids(&values), [1, 2, 3]);
        assert_eq!(link.texts(&talk.all(Side::Client))[2], result(3));

        let talk = link.three(&["rpc_error:code=-32002,message=gone,tool=other"]);
        let values = link.values(&talk);
        assert_eq!(
            values[2],
            json!({"jsonrpc":"2.0","id":3,"error":{"code":-32002,"message":"gone"}})
        );

        let mut talk = link.talk(&["tool_error:method=*"]);
        talk.client(link.asks(r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#));
        talk.server(link.answers(r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[]}}"#));
        assert_eq!((talk.count("not_a_tool"), talk.count("matched")), (1, 1));
        talk.client(link.asks(&modern_call(2, "echo")))
            .server(link.answers(&result(2)));
        assert_eq!(link.values(&talk)[1]["result"]["resultType"], "complete");
    }
}

#[test]
fn an_answer_grows_by_its_padding_and_stays_what_it_was() {
    for link in [Lines, Frames] {
        let talk = link.three(&["oversize:size=100KiB,tool=other"]);
        let values = link.values(&talk);
        let text = values[2]["result"]["content"][0]["text"].as_str().unwrap();
        assert_eq!(text.len(), "Echo: hi é".len() + 100 * 1_024);
        assert!(text.starts_with("Echo: hi é"));
        for (answer, pointer) in [
            (
                r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"x"}]}}"#,
                "/result/padding",
            ),
            (
                r#"{"jsonrpc":"2.0","id":1,"result":{ }}"#,
                "/result/padding",
            ),
            (
                r#"{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"m"}}"#,
                "/error/message",
            ),
        ] {
            let mut talk = link.talk(&["oversize:size=2KiB,method=tools/list"]);
            talk.client(link.asks(r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#));
            talk.server(link.answers(answer));
            let values = link.values(&talk);
            let length = values[0].pointer(pointer).unwrap().as_str().unwrap().len();
            assert!((2_048..=2_049).contains(&length), "{answer}: {length}");
            assert_eq!(values[0]["id"], 1);
        }
    }
}

#[test]
fn a_result_has_a_type_that_nobody_knows() {
    for link in [Lines, Frames] {
        let talk = link.three(&["wrong_result_type:nth=2"]);
        assert_eq!(
            link.values(&talk)[1],
            json!({"jsonrpc":"2.0","id":2,"result":42})
        );
        for answer in [
            r#"{"jsonrpc":"2.0","id":1,"result":{"resultType":"complete","content":[]}}"#,
            r#"{"jsonrpc":"2.0","id":1,"result":{"content":[]}}"#,
        ] {
            let mut talk = link.talk(&["wrong_result_type"]);
            talk.client(link.asks(&modern_call(1, "echo")))
                .server(link.answers(answer));
            let value = &link.values(&talk)[0];
            assert_eq!(value["result"]["resultType"], "mcp_chaos");
            assert_eq!(value["result"]["content"], json!([]));
        }
    }
}

#[test]
fn a_dripping_answer_comes_in_pieces_and_nothing_comes_between_them() {
    for link in [Lines, Frames] {
        let talk = link.three(&["drip:size=10B,pause=5ms,first=1"]);
        assert_eq!(ids(&link.values(&talk)), [1, 2, 3]);
        let timed = talk.timed(Side::Client);
        let pieces = link.answers(&result(1)).len().div_ceil(10);
        for (n, (at, piece)) in timed[..pieces].iter().enumerate() {
            assert_eq!(*at, talk.now_us + 5_000 * n as u64);
            // What waits behind the last piece goes with it.
            assert!(piece.len() == 10 || n == pieces - 1);
        }
        assert_eq!(timed.len(), pieces);
    }
}

#[test]
fn faults_of_http_are_counted_where_there_is_none() {
    for link in [Lines, Frames] {
        for name in [
            "http_error",
            "session_gone",
            "cut_stream",
            "header_mismatch",
        ] {
            let talk = link.three(&[name]);
            assert_eq!(talk.count("not_http"), 3, "{name}");
            let all = [result(1), result(2), result(3)]
                .map(|r| link.answers(&r))
                .concat();
            assert_eq!(talk.all(Side::Client), all);
        }
    }
}

#[test]
fn batches_lose_gain_and_change_single_messages() {
    let asked = format!(
        "[{},{},{}]\n",
        call(1, "echo"),
        call(2, "other"),
        call(3, "echo")
    );
    let answered = format!("[{} , {},\t{}]\n", result(1), result(2), result(3));
    let batch = |fault: &str| {
        let mut talk = Talk::with(Wire::Lines, &[fault]);
        talk.client(&asked).server(&answered);
        (talk.text(Side::Client), talk)
    };
    let (got, _) = batch("drop_answer:tool=other");
    assert_eq!(got, format!("[{},\t{}]\n", result(1), result(3)));
    let (got, _) = batch("drop_answer:first=1");
    assert_eq!(got, format!("[{},\t{}]\n", result(2), result(3)));
    let (got, _) = batch("drop_answer:after=2");
    assert_eq!(got, format!("[{} , {}]\n", result(1), result(2)));
    let (got, _) = batch("drop_answer:after=1");
    assert_eq!(got, format!("[{}]\n", result(1)));
    let (got, talk) = batch("drop_answer");
    assert_eq!((got.as_str(), talk.count("hit")), ("", 3));
    let (got, _) = batch("duplicate_answer:tool=other");
    assert_eq!(
        got,
        format!(
            "[{} , {},{},\t{}]\n",
            result(1),
            result(2),
            result(2),
            result(3)
        )
    );
    let (got, _) = batch("rpc_error:tool=other");
    let values: Vec<Value> = serde_json::from_str(&got).unwrap();
    assert_eq!(values[1]["error"]["code"], -32603);
    assert_eq!(ids(&values), [1, 2, 3]);
    let (got, talk) = batch("delay_answer:delay=1s,tool=other");
    assert_eq!(got, answered);
    assert_eq!(talk.timed(Side::Client)[0].0, talk.now_us + 1_000_000);
    let (got, talk) = batch("reorder_answers");
    assert_eq!((got, talk.count("single")), (answered.clone(), 3));
}

#[test]
fn the_handshake_and_notifications_are_hit_only_by_name() {
    for (method, drops) in [("*", false), ("initialize", true)] {
        let mut talk = Lines.talk(&[&format!("drop_answer:method={method}")]);
        talk.client(Lines.asks(r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{}}"#));
        talk.server(Lines.answers(r#"{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":"x"}}"#));
        assert_eq!(talk.all(Side::Client).is_empty(), drops, "{method}");
    }
    let mut talk = Lines.talk(&["drop_answer:method=notifications/progress"]);
    talk.server(Lines.answers(PROGRESS))
        .server(Lines.answers(&result(1)));
    assert_eq!(talk.text(Side::Client), result(1) + "\n");
    let mut talk = Lines.talk(&["rpc_error:method=notifications/progress"]);
    talk.server(Lines.answers(PROGRESS));
    assert_eq!(
        (talk.text(Side::Client), talk.count("not_an_answer")),
        (format!("{PROGRESS}\n"), 1)
    );
}

#[test]
fn faults_add_up_in_the_order_in_which_they_began() {
    let talk = Lines.three(&[
        "rpc_error:code=5,nth=2",
        "delay_answer:delay=1ms,nth=2",
        "duplicate_answer:nth=2",
    ]);
    let values = Lines.values(&talk);
    assert_eq!(ids(&values), [1, 3, 2, 2]);
    assert_eq!(values[3]["error"]["code"], 5);
    let talk = Lines.three(&["drop_answer:nth=2", "rpc_error"]);
    assert_eq!(
        talk.rules.counts("f2").unwrap()["matched"],
        2,
        "what is gone is no match"
    );
    let talk = Lines.three(&["truncate_json:nth=2", "rpc_error:nth=2"]);
    assert_eq!(talk.rules.counts("f2").unwrap()["broken"], 1);
}

#[test]
fn what_was_asked_before_a_fault_began_is_known_when_it_is_answered() {
    for link in [Lines, Frames] {
        let mut talk = link.talk(&[]);
        talk.client(link.asks(&call(1, "echo")))
            .client(link.asks(&call(2, "other")));
        talk.rules.begin("f1", fault("drop_answer:tool=other"), 1);
        talk.server(link.answers(&result(2)))
            .server(link.answers(&result(1)));
        assert_eq!(ids(&link.values(&talk)), [1]);
        // And a message of which some bytes have passed comes out whole.
        talk.rules.end("f1");
        talk.client(link.asks(&call(3, "other")));
        let answer = link.answers(&result(3));
        talk.server(&answer[..9]);
        talk.rules.begin("f1", fault("drop_answer:tool=other"), 1);
        talk.server(&answer[9..]);
        assert_eq!(ids(&link.values(&talk)), [1, 3]);
        assert_eq!(talk.count("hit"), 0);
    }
}

#[test]
fn the_same_seed_and_the_same_order_give_the_same_decisions_however_bytes_are_cut() {
    let run = |seed: u64, cut: usize| {
        let mut talk = Talk::new(Wire::Lines);
        talk.rules = Rules::new(true);
        talk.rules.begin("f1", fault("drop_answer:rate=10%"), seed);
        for id in 0..3_000 {
            talk.client(Lines.asks(&call(id, "echo")));
        }
        let answers: Vec<u8> = (0..3_000)
            .flat_map(|id| Lines.answers(&result(id)))
            .collect();
        for part in answers.chunks(cut) {
            talk.server(part);
        }
        (ids(&Lines.values(&talk)), talk.count("hit"))
    };
    let (kept, hit) = run(3, 977);
    assert_eq!(kept.len() as u64 + hit, 3_000);
    // Four standard deviations.
    assert!((234..=366).contains(&hit), "{hit}");
    assert_eq!(run(3, 100_000), (kept.clone(), hit));
    assert_ne!(run(4, 977).0, kept);
}

#[test]
fn a_message_of_more_than_a_mebibyte_streams_through() {
    for link in [Lines, Frames] {
        let mut talk = link.talk(&["drop_answer:method=*"]);
        talk.client(link.asks(&call(1, "echo")))
            .client(link.asks(&call(2, "echo")));
        let long = link.answers(&result(1).replace("hi", &"h".repeat(3 << 20)));
        for part in long.chunks(50_000) {
            talk.server(part);
        }
        talk.server(link.answers(&result(2)));
        assert!(talk.all(Side::Client) == long);
        assert_eq!((talk.count("too_large"), talk.count("hit")), (1, 1));
    }
}

#[test]
fn compression_is_taken_out_of_an_offer_where_faults_are_to_come() {
    let offer = UPGRADE.replace(
        "\r\n\r\n",
        "\r\nSec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n",
    );
    for cut in 1..offer.len() {
        let mut talk = Talk::new(Wire::Http);
        talk.rules = Rules::new(true);
        talk.client(&offer[..cut]).client(&offer[cut..]);
        assert_eq!(talk.text(Side::Server), UPGRADE);
    }
    let mut talk = Talk::new(Wire::Http);
    talk.client(&offer);
    assert_eq!(talk.text(Side::Server), offer);
}
