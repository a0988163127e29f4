//! Our HTTP/2 beside the `h2` crate: it reads what we write, and we read what it writes, whatever the bytes and cuts.
#![allow(clippy::unwrap_used)] // the helpers of tests are tests too

mod fuzz;

use bytes::Bytes;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use protocol::h2::{Answer, Frame, Reader, Streams};
use protocol::http::{Event, Limits};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// What the server has seen: method, path, authority, headers, body.
type Seen = (String, String, String, Vec<(String, String)>, Vec<u8>);

/// A request and what is to be answered.
#[derive(Clone, Debug)]
struct Exchange {
    path: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    answer: Vec<u8>,
    answer_header: String,
}

fn exchange() -> impl Strategy<Value = Exchange> {
    let value = "[!-~]([ -~]{0,60}[!-~])?";
    let bodies = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..200),
        // More than a window, and more than a frame.
        (1_usize..120_000).prop_map(|n| vec![b'x'; n]),
    ];
    (
        "/[a-z]{0,20}",
        prop::collection::vec(("x-[a-z]{1,12}", value), 0..6),
        bodies.clone(),
        bodies,
        value,
    )
        .prop_map(|(path, headers, body, answer, answer_header)| Exchange {
            path,
            headers,
            body,
            answer,
            answer_header,
        })
}

fn text(exchange: &Exchange) -> Vec<u8> {
    let mut text = format!(
        "POST {} HTTP/1.1\r\nHost: example.com:80\r\nUser-Agent: mcpipe\r\n",
        exchange.path
    );
    for (name, value) in &exchange.headers {
        text.push_str(&format!("{}: {value}\r\n", name.to_uppercase()));
    }
    text.push_str(&format!(
        "Connection: keep-alive\r\nContent-Length: {}\r\n\r\n",
        exchange.body.len()
    ));
    [text.as_bytes(), &exchange.body].concat()
}

/// Answers each request as its exchange wants it, in the order in which they come, and gives what it has seen.
async fn serve(io: tokio::io::DuplexStream, exchanges: Vec<Exchange>, table: u32) -> Vec<Seen> {
    let mut builder = h2::server::Builder::new();
    let mut connection = builder
        .header_table_size(table)
        .max_concurrent_streams(100)
        .handshake::<_, Bytes>(io)
        .await
        .unwrap();
    let mut seen = Vec::new();
    let mut answers = exchanges.into_iter();
    let mut tasks = Vec::new();
    while let Some(request) = connection.accept().await {
        let Ok((request, mut respond)) = request else {
            break;
        };
        let Some(exchange) = answers.next() else {
            break;
        };
        tasks.push(tokio::spawn(async move {
            let (parts, mut body) = request.into_parts();
            let mut bytes = Vec::new();
            while let Some(piece) = body.data().await {
                let piece = piece.unwrap();
                let _ = body.flow_control().release_capacity(piece.len());
                bytes.extend_from_slice(&piece);
            }
            let response = http::Response::builder()
                .header("content-type", "application/json")
                .header("x-answer", &exchange.answer_header)
                .body(())
                .unwrap();
            let end = exchange.answer.is_empty();
            let mut stream = respond.send_response(response, end).unwrap();
            if !end {
                stream
                    .send_data(Bytes::from(exchange.answer), true)
                    .unwrap();
            }
            let headers = parts.headers.iter();
            let headers = headers
                .filter(|(name, _)| name.as_str().starts_with("x-"))
                .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
                .collect();
            let authority = parts.uri.authority().map(|a| a.to_string());
            (
                parts.method.to_string(),
                parts.uri.path().to_owned(),
                authority.unwrap_or_default(),
                headers,
                bytes,
            )
        }));
    }
    for task in tasks {
        seen.push(task.await.unwrap());
    }
    seen
}

/// Sends all requests one after the other, reading in pieces of `size`; gives statuses and bodies.
async fn call(
    mut io: tokio::io::DuplexStream,
    exchanges: &[Exchange],
    size: usize,
) -> Vec<(u16, Vec<u8>)> {
    let (mut reader, mut streams) = (Reader::default(), Streams::new(false));
    let mut answer = Answer::new(Limits::default());
    let mut out = Vec::new();
    streams.begin(&mut out);
    let mut answers = Vec::new();
    let mut piece = vec![0; size];
    for (n, exchange) in exchanges.iter().enumerate() {
        let opened = streams.open(n, &text(exchange), &mut out).unwrap();
        let (mut status, mut body, mut over) = (0, Vec::new(), false);
        while !over {
            if !out.is_empty() {
                io.write_all(&out).await.unwrap();
                out.clear();
            }
            let length = io.read(&mut piece).await.unwrap();
            assert!(length > 0, "the server has hung up");
            let mut at = 0;
            while let Some(frame) = reader.next(&piece[..length], &mut at).unwrap() {
                match frame {
                    Frame::Settings(settings) => streams.apply(settings, &mut out).unwrap(),
                    Frame::Ping(payload) => streams.pong(payload, &mut out),
                    Frame::Window { stream, by } => streams.widen(stream, by).unwrap(),
                    Frame::Headers { fields, end, .. } => {
                        if let Some(head) = answer.headers(fields).unwrap() {
                            status = head.status;
                        }
                        over |= end;
                    }
                    Frame::Data {
                        stream,
                        data,
                        window,
                        end,
                    } => {
                        streams.received(stream, window, &mut out).unwrap();
                        let mut at = 0;
                        while let Some(event) = answer.next(data, &mut at, end).unwrap() {
                            if let Event::Message(message) = event {
                                body = message.to_vec();
                            }
                        }
                        over |= end;
                    }
                    Frame::Reset { .. } | Frame::GoAway { .. } => panic!("{frame:?}"),
                }
                while streams.go_on(&mut out).is_some() {}
            }
        }
        streams.close(opened.stream, &mut out);
        answer.reset();
        answers.push((status, body));
    }
    answers
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: fuzz::cases(64), rng_seed: RngSeed::Fixed(7), failure_persistence: None, ..ProptestConfig::default()
    })]

    #[test]
    fn requests_and_answers_arrive_as_they_were_meant(
        mut exchanges in prop::collection::vec(exchange(), 1..8),
        table in prop::sample::select(vec![0_u32, 64, 300, 4_096, 65_536]),
        size in prop::sample::select(vec![1_usize, 7, 100, 16_393, 65_536]),
        repeated in 0_usize..3,
    ) {
        // What a client sends again and again goes another way through the encoder than what is new.
        for _ in 0..repeated {
            let last = exchanges.last().unwrap().clone();
            exchanges.push(last);
        }
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (seen, answers) = runtime.block_on(async {
            let (ours, theirs) = tokio::io::duplex(1 << 20);
            let server = tokio::spawn(serve(theirs, exchanges.clone(), table));
            let answers = call(ours, &exchanges, size).await;
            (server.await.unwrap(), answers)
        });
        prop_assert_eq!(seen.len(), exchanges.len());
        for ((seen, (status, body)), exchange) in seen.into_iter().zip(answers).zip(&exchanges) {
            let (method, path, authority, mut headers, sent) = seen;
            prop_assert_eq!((method.as_str(), authority.as_str()), ("POST", "example.com:80"));
            prop_assert_eq!(&path, &exchange.path);
            let mut wanted = exchange.headers.clone();
            // Of equal names the crate keeps the values together.
            headers.sort();
            wanted.sort();
            prop_assert_eq!(headers, wanted);
            prop_assert_eq!(&sent, &exchange.body);
            prop_assert_eq!((status, &body), (200, &exchange.answer));
        }
    }
}
