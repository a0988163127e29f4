//! Sending a call and reading its answer costs no allocation: a load engine does both a million times.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::hint::black_box;

use protocol::answer::{http_outcome, read};
use protocol::dialect::Dialect;
use protocol::revision::{Era, Revision};
use protocol::template::{IdDigits, Template};
use serde_json::json;

thread_local! {
    // Of this thread only: the test harness allocates in others.
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: every call is handed on to the system's allocator as it is; counting touches a thread-local
// that needs neither allocation nor destruction.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's promises are those that the system's allocator asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the pointer came from `alloc` above, and so from the system's allocator.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations(work: impl FnOnce()) -> usize {
    let before = ALLOCATIONS.with(Cell::get);
    work();
    ALLOCATIONS.with(Cell::get) - before
}

#[test]
fn reading_an_answer_allocates_nothing() {
    let text = "a \"quoted\" line\n".repeat(40);
    let deep = json!({"content": [{"type": "text", "text": text}], "structuredContent": {"a": {"b": [[1, 2.5e3, null]]}}});
    let messages = [
        json!({"jsonrpc": "2.0", "id": 12345, "result": deep}),
        json!({"jsonrpc": "2.0", "id": 7, "error": {"code": -32602, "message": text, "data": {"x": [1]}}}),
        json!({"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progress": 1}}),
        json!({"jsonrpc": "2.0", "id": "a", "method": "ping"}),
    ];
    for message in messages {
        let bytes = message.to_string().into_bytes();
        let count = allocations(|| assert!(black_box(read(&bytes)).is_ok()));
        assert_eq!(count, 0, "{message}");
        let count = allocations(|| {
            black_box(http_outcome(200, Some(&bytes), Era::Modern, false));
        });
        assert_eq!(count, 0, "{message}");
    }
    // The counter does count.
    assert_eq!(allocations(|| drop(black_box(Box::new(1)))), 1);
}

#[test]
fn writing_a_call_allocates_nothing_once_there_is_room() {
    let params = json!({"name": "echo", "arguments": {"text": "x".repeat(500)}});
    let call = Template::new("tools/call", params, &Dialect::new(Revision::MODERN));
    let mut out = Vec::with_capacity(10_000);
    let count = allocations(|| {
        for id in [1, u64::MAX] {
            out.clear();
            call.write(id, &mut out);
            black_box(call.parts(id, &mut IdDigits::new()));
            black_box((call.body_len(id), call.encoded_name()));
        }
    });
    assert_eq!(count, 0);
}
