//! The acts that ask for an answer: one message, or one end of a connection, and what comes then.

use super::came::Came;
use super::ear::{Ear, Heard, Reader};
use super::hold;
use super::kind::Kind;
use super::message::{self, Message};
use super::scene::Scene;
use super::talk::{ID, NotSetUp, Talk};
use protocol::transport::Transport;
use std::future::Future;
use std::time::Duration;
use tokio::time::timeout;

/// What padding is made of.
static PADDING: [u8; 64 << 10] = [b'x'; 64 << 10];

/// Carries out an act to its end.
///
/// # Errors
/// The conversation before it could not be set up.
pub async fn act(scene: &Scene) -> Result<Came, NotSetUp> {
    let dialect = &scene.home.dialect;
    match scene.kind {
        Kind::MalformedJson => say(scene, message::broken(scene.dice, dialect)).await,
        Kind::WrongVersion => say(scene, message::wrong_version(ID, dialect)).await,
        Kind::UnknownMethod => say(scene, message::unknown_method(ID, dialect)).await,
        Kind::InvalidParams => say(scene, message::invalid_params(ID, dialect)).await,
        Kind::DuplicateId => say_twice(scene).await,
        Kind::OversizedBody => say_too_much(scene).await,
        Kind::TruncatedFrame => break_off(scene).await,
        Kind::Disconnect => leave_rudely(scene).await,
        Kind::HalfOpen => hold::half_open(scene).await,
        Kind::SlowSender => hold::slow_sender(scene).await,
        Kind::NeverReads => hold::never_reads(scene).await,
    }
}

/// What comes in time.
pub async fn within(limit: Duration, coming: impl Future<Output = Came>) -> Came {
    timeout(limit, coming).await.unwrap_or(Came::Silence)
}

/// The first half of a request, as it lies on its transport.
pub fn half(talk: &Talk<'_>, scene: &Scene) -> Vec<u8> {
    let mut bytes = talk.wrap(&message::cheap(ID, &scene.home.dialect));
    // Of HTTP, the head is whole and the body is not.
    let body = match scene.home.transport {
        Transport::Http | Transport::Sse => {
            memchr::memmem::find(&bytes, b"\r\n\r\n").map_or(0, |at| at + 4)
        }
        _ => 0,
    };
    bytes.truncate(body + (bytes.len() - body) / 2);
    bytes
}

/// One message.
async fn say(scene: &Scene, message: Message) -> Result<Came, NotSetUp> {
    let mut talk = Talk::open(scene).await?;
    let bytes = talk.wrap(&message);
    let came = within(scene.timeout, async {
        // Whoever hangs up may have said why.
        let _ = talk.say(&bytes).await;
        talk.came(Some(ID)).await
    });
    let came = came.await;
    talk.leave().await;
    Ok(came)
}

/// Half a message, and the end of what this side sends.
async fn break_off(scene: &Scene) -> Result<Came, NotSetUp> {
    let mut talk = Talk::open(scene).await?;
    let bytes = half(&talk, scene);
    let came = within(scene.timeout, async {
        let _ = talk.say(&bytes).await;
        talk.mouth().pipe.shut_down();
        talk.came(None).await
    });
    let came = came.await;
    talk.leave().await;
    Ok(came)
}

/// Half a message, and no connection any more; then one that is honest.
async fn leave_rudely(scene: &Scene) -> Result<Came, NotSetUp> {
    let mut rude = Talk::open(scene).await?;
    let bytes = half(&rude, scene);
    let _ = timeout(scene.timeout, rude.say(&bytes)).await;
    rude.hang_up();
    let Ok(mut next) = Talk::open(scene).await else {
        return Ok(Came::NotServed);
    };
    let bytes = next.wrap(&message::cheap(ID, &scene.home.dialect));
    let came = within(scene.timeout, async {
        let _ = next.say(&bytes).await;
        next.came(Some(ID)).await
    });
    let came = came.await;
    next.leave().await;
    rude.leave().await;
    Ok(match came {
        Came::Result => Came::Served,
        _ => Came::NotServed,
    })
}

/// Two requests with one id.
async fn say_twice(scene: &Scene) -> Result<Came, NotSetUp> {
    let mut talk = Talk::open(scene).await?;
    let one = talk.wrap(&message::cheap(ID, &scene.home.dialect));
    let both = if scene.home.transport == Transport::Http {
        let mut sibling = talk.sibling().await?;
        let _ = tokio::join!(talk.say(&one), sibling.pipe.write_all(&one));
        let limit = scene.timeout;
        let (first, second) = tokio::join!(
            within(limit, talk.came(Some(ID))),
            within(limit, response(&mut sibling))
        );
        [first, second]
    } else {
        let _ = talk.say(&[&one[..], &one[..]].concat()).await;
        let first = within(scene.timeout, talk.came(Some(ID))).await;
        match first.is_answer() {
            true => [first, within(scene.timeout, talk.came(Some(ID))).await],
            false => [first; 2],
        }
    };
    talk.leave().await;
    Ok(match both {
        [first, second] if first.is_answer() && second.is_answer() => Came::Both,
        [first, other] | [other, first] if first.is_answer() && other == Came::Silence => {
            Came::OneOfTwo
        }
        [Came::Silence, other] | [other, _] => other,
    })
}

/// The answer on a connection that has only one to give.
async fn response(ear: &mut Ear) -> Came {
    match ear.hear().await {
        Heard::Response { came, .. } | Heard::Answer { came, .. } => came,
        _ => Came::Closed,
    }
}

/// A message that no server should take in whole.
async fn say_too_much(scene: &Scene) -> Result<Came, NotSetUp> {
    let mut talk = Talk::open(scene).await?;
    let bytes = scene.terms.body_bytes;
    let (first, last, mut padding) = message::oversized(ID, bytes, &scene.home.dialect);
    let (front, end) = talk.around(&first, bytes as usize);
    let front = [&front[..], &first.text[..]].concat();
    let saying = async {
        let ear = talk.mouth();
        if let Some(came) = pour(ear, &front).await {
            return Some(came);
        }
        while padding > 0 {
            let part = &PADDING[..padding.min(PADDING.len() as u64) as usize];
            if let Some(came) = pour(ear, part).await {
                return Some(came);
            }
            padding -= part.len() as u64;
        }
        pour(ear, &[&last[..], end].concat()).await
    };
    let came = match timeout(scene.timeout, saying).await {
        Ok(Some(came)) => came,
        Ok(None) => within(scene.timeout, talk.came(Some(ID))).await,
        Err(_) => Came::Silence,
    };
    talk.leave().await;
    Ok(came)
}

/// Writes all of `bytes`, unless something comes first.
async fn pour(ear: &mut Ear, mut bytes: &[u8]) -> Option<Came> {
    while !bytes.is_empty() {
        match ear.write_or_hear(bytes).await {
            Ok(Ok(n)) => bytes = &bytes[n..],
            Ok(Err(Heard::Answer { came, .. } | Heard::Response { came, .. })) => {
                // In HTTP+SSE, what was taken before is acknowledged now.
                if came == Came::Nonsense && matches!(ear.reader, Reader::Exchange(_)) {
                    continue;
                }
                return Some(came);
            }
            Ok(Err(Heard::Close(code))) => return Some(Came::CloseFrame(code)),
            Ok(Err(Heard::Endpoint(_))) => {}
            Ok(Err(Heard::Closed)) | Err(_) => return Some(Came::Closed),
        }
    }
    None
}
