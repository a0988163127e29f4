//! Gives memory back to the system that a burst has needed: the allocator alone keeps it, so that a run would seem to leak.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Less than this is kept: looking through the heap costs some 0.1 ms.
const WORTH_BYTES: usize = 256 * 1024;

/// What connections have given back to the allocator since it was last told, in bytes.
static FREED: AtomicUsize = AtomicUsize::new(0);

/// Notes that a connection has given so many bytes back to the allocator.
pub fn note_freed(bytes: usize) {
    FREED.fetch_add(bytes, Relaxed);
}

/// Has the allocator give back what is free, where that is worth it. Called by the main thread: a worker would be late.
pub fn give_back() {
    if FREED.load(Relaxed) >= WORTH_BYTES {
        FREED.store(0, Relaxed);
        #[cfg(target_env = "gnu")]
        // SAFETY: malloc_trim(3) may be called at any time, from any thread.
        unsafe {
            libc::malloc_trim(0);
        }
    }
}
