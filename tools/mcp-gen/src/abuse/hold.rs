//! The acts that hold a connection: whoever waits for them for ever can be filled up with them.

use super::act::{half, within};
use super::came::Came;
use super::message;
use super::scene::Scene;
use super::talk::{ID, NotSetUp, Talk};
use std::time::Duration;
use tokio::time::{Instant, timeout, timeout_at};

/// So many bytes a slow sender sends while it is held.
const SLOW_BYTES: u32 = 20;
/// What a reader that never reads asks for at most, in bytes of requests: more than two kernels have room for.
const MOST_ASKED: usize = 16 << 20;

/// Half a request, and silence.
pub async fn half_open(scene: &Scene) -> Result<Came, NotSetUp> {
    let mut talk = Talk::open(scene).await?;
    let bytes = half(&talk, scene);
    let came = within(scene.terms.hold, async {
        let _ = talk.say(&bytes).await;
        talk.came(None).await
    });
    let came = came.await;
    talk.leave().await;
    Ok(came)
}

/// A byte at a time, from the first one of the connection on.
pub async fn slow_sender(scene: &Scene) -> Result<Came, NotSetUp> {
    let connecting = timeout(scene.timeout, Talk::bare(scene));
    let mut talk = connecting.await??;
    let bytes = talk.opening()?;
    let every = scene.terms.hold / SLOW_BYTES;
    let began = Instant::now();
    for (n, byte) in bytes.iter().take(SLOW_BYTES as usize).enumerate() {
        // After a reset nothing can be written, and what is read next says so.
        let _ = talk.say(&[*byte]).await;
        let until = began + every * (n as u32 + 1);
        if let Ok(came) = timeout_at(until, talk.came(None)).await {
            return Ok(came);
        }
    }
    Ok(Came::Silence)
}

/// Asks and asks, and reads nothing.
pub async fn never_reads(scene: &Scene) -> Result<Came, NotSetUp> {
    let mut talk = Talk::open(scene).await?;
    talk.ear.pipe.narrow();
    let mut lot = Vec::new();
    for id in ID..ID + 64 {
        lot.extend(talk.wrap(&message::list(id, &scene.home.dialect)));
    }
    // A server that is only slow takes something in now and then.
    let patience = (scene.terms.hold / 4).clamp(Duration::from_millis(200), Duration::from_secs(2));
    let asking = async {
        let mut asked = 0;
        while asked < MOST_ASKED {
            let mut rest = &lot[..];
            while !rest.is_empty() {
                match timeout(patience, talk.ear.pipe.write(rest)).await {
                    Err(_) => return Came::Stalled,
                    Ok(Err(_)) => return Came::Closed,
                    Ok(Ok(n)) => rest = &rest[n..],
                }
            }
            asked += lot.len();
            // Loopback is fast enough never to block here, and others want to act too.
            tokio::task::yield_now().await;
        }
        Came::TookAll
    };
    let came = within(scene.terms.hold, asking).await;
    talk.hang_up();
    talk.leave().await;
    Ok(came)
}
