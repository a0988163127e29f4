//! Reading and writing messages in the common case allocates nothing: the load engine does it some
//! hundred thousand times a second.
#![allow(clippy::unwrap_used)] // the helpers of tests are tests too

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use protocol::endpoint::Endpoint;
use protocol::http::{Event, HeadOptions, Limits, PostHead, Reply};
use protocol::ws::{self, Frame, FrameReader};

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

/// The system's allocator, which counts per thread: tests run side by side.
struct Counting;

// SAFETY: every call goes to the system's allocator as it came; the counter needs no memory of its own.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: `pointer` came from `alloc` above with this layout.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller keeps the contract of `realloc`, and `pointer` came from `System`.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// How often `work` allocates, once it has run a few times.
fn allocations(mut work: impl FnMut()) -> usize {
    for _ in 0..3 {
        work();
    }
    let before = ALLOCATIONS.get();
    for _ in 0..100 {
        work();
    }
    ALLOCATIONS.get() - before
}

#[test]
fn the_counter_counts() {
    assert_eq!(allocations(|| drop(Box::new(1))), 100);
}

#[test]
fn http_answers_with_sessions_chunks_and_events_allocate_nothing() {
    let answers = [
        "HTTP/1.1 200 OK\r\nmcp-session-id: 8f5e\r\ncontent-type: application/json\r\ncontent-length: 8\r\n\r\n{\"id\":1}",
        "HTTP/1.1 200 OK\r\nmcp-session-id: 8f5e\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n8\r\n{\"id\":1}\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nmcp-session-id: 8f5e\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n28\r\nid: 1/0\r\nevent: message\r\ndata: 12345\r\n\r\n\r\n0\r\n\r\n",
    ];
    let mut reply = Reply::new(Limits::default());
    let mut messages = 0;
    let counted = allocations(|| {
        for answer in answers {
            // Whole, and cut in the middle: what is kept is kept in memory that is there already.
            for cut in [0, answer.len() / 2, answer.len() - 10] {
                for piece in [&answer.as_bytes()[..cut], &answer.as_bytes()[cut..]] {
                    let mut at = 0;
                    while let Some(event) = reply.next(piece, &mut at).unwrap() {
                        messages += usize::from(matches!(event, Event::Message(_)));
                    }
                }
            }
        }
    });
    assert_eq!((counted, messages), (0, 103 * 9));
}

#[test]
fn requests_and_frames_allocate_nothing() {
    let endpoint = Endpoint::parse("http://127.0.0.1/mcp").unwrap();
    let options = HeadOptions::default();
    let head = PostHead::new(&endpoint, &options, Some("2026-07-28"), None).unwrap();
    let mut out = Vec::new();
    let frames = b"\x81\x02{}\x89\x01x\x01\x01{\x80\x01}";
    let mut reader = FrameReader::new(ws::Limits::default());
    let mut messages = 0;
    let counted = allocations(|| {
        out.clear();
        head.write(Some(("tools/call", Some("echo"))), 1000, &mut out);
        ws::write_text(&mut out, [1, 2, 3, 4], &[b"{\"id\":", b"7", b"}"]);
        ws::write_pong(&mut out, [1, 2, 3, 4], b"x");
        for piece in frames.chunks(5) {
            let mut at = 0;
            while let Some(frame) = reader.next(piece, &mut at).unwrap() {
                messages += usize::from(frame == Frame::Message(b"{}"));
            }
        }
    });
    assert_eq!((counted, messages), (0, 103 * 2));
}
