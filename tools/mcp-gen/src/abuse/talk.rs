//! A conversation for one act: set up as an honest client would, so that what comes then is the answer to the abuse.

use super::came::Came;
use super::ear::{Ear, Heard, Reader};
use super::message::{self, Message};
use super::pipe::Pipe;
use super::scene::Scene;
use protocol::dialect::Dialect;
use protocol::endpoint::Endpoint;
use protocol::http::{self, PostHead, Reply, Routing, delete_head, get_head};
use protocol::lines::LineReader;
use protocol::message::{ClientInfo, initialize, initialized};
use protocol::revision::Era;
use protocol::transport::Transport;
use protocol::ws::{self, ExpectedAccept, FrameReader, Upgrade, upgrade_request, write_text};
use std::io;
use std::time::Duration;

/// The id of the handshake; those of an act begin behind it.
const HANDSHAKE: u64 = 1;
/// The id of an act's own request.
pub const ID: u64 = 2;
/// What taking leave may cost.
const GOODBYE: Duration = Duration::from_secs(1);

/// Why an act could not be begun: for nobody but the counts, which only say that it was so.
pub struct NotSetUp;

impl<E: std::error::Error> From<E> for NotSetUp {
    fn from(_: E) -> Self {
        Self
    }
}

/// A conversation.
pub struct Talk<'a> {
    scene: &'a Scene,
    /// Where answers come.
    pub ear: Ear,
    /// Where requests go, in HTTP+SSE.
    posts: Option<Ear>,
    head: Option<PostHead>,
    post_to: Endpoint,
    session: Option<String>,
}

impl<'a> Talk<'a> {
    /// Connects, and does no more.
    pub async fn bare(scene: &'a Scene) -> Result<Self, NotSetUp> {
        let reader = match scene.home.transport {
            Transport::Tcp | Transport::Stdio => Reader::Lines(LineReader::default()),
            Transport::Ws | Transport::Http | Transport::Sse => exchange(),
        };
        Ok(Self {
            ear: Ear::new(connect(scene).await?, reader),
            posts: None,
            head: None,
            post_to: scene.home.endpoint.clone(),
            session: None,
            scene,
        })
    }

    /// Connects, and sets up what is needed for a request to be served.
    pub async fn open(scene: &'a Scene) -> Result<Self, NotSetUp> {
        let opening = tokio::time::timeout(scene.timeout, Self::set_up(scene));
        opening.await.map_err(|_| NotSetUp)?
    }

    async fn set_up(scene: &'a Scene) -> Result<Self, NotSetUp> {
        let mut talk = Self::bare(scene).await?;
        match scene.home.transport {
            Transport::Ws => talk.upgrade().await?,
            Transport::Sse => talk.open_stream().await?,
            Transport::Http | Transport::Tcp | Transport::Stdio => {}
        }
        if matches!(scene.home.transport, Transport::Http | Transport::Sse) {
            talk.head = Some(talk.render_head()?);
        }
        if scene.home.dialect.era == Era::Legacy {
            talk.shake_hands().await?;
        }
        Ok(talk)
    }

    /// The first bytes that a server hears on a connection.
    pub fn opening(&self) -> Result<Vec<u8>, NotSetUp> {
        let dialect = &self.scene.home.dialect;
        Ok(match self.scene.home.transport {
            Transport::Ws => self.upgrade_request()?.0,
            Transport::Http => {
                let text = message::cheap(ID, dialect);
                self.post(&self.render_head()?, &text)
            }
            Transport::Sse => {
                get_head(&self.post_to, &self.scene.head_options(), None, None, None)?
            }
            Transport::Tcp | Transport::Stdio => self.wrap(&message::cheap(ID, dialect)),
        })
    }

    fn upgrade_request(&self) -> Result<(Vec<u8>, ExpectedAccept), http::HeadError> {
        let mut key = [0; 16];
        key[..8].copy_from_slice(&record::random().to_ne_bytes());
        key[8..].copy_from_slice(&record::random().to_ne_bytes());
        let offer = self.scene.home.offer_subprotocol.then_some("mcp");
        upgrade_request(&self.post_to, &self.scene.head_options(), offer, key)
    }

    async fn upgrade(&mut self) -> Result<(), NotSetUp> {
        let (request, expected) = self.upgrade_request()?;
        self.ear.pipe.write_all(&request).await?;
        let mut upgrade = Upgrade::new(expected, http::Limits::default());
        loop {
            if !self.ear.fill().await {
                return Err(NotSetUp);
            }
            // Bytes behind the head are frames.
            let mut at = 0;
            let agreed = upgrade.next(self.ear.unread(), &mut at)?.is_some();
            self.ear.skip(at);
            if agreed {
                break;
            }
        }
        self.ear.reader = Reader::Frames(FrameReader::new(ws::Limits::default()));
        Ok(())
    }

    /// HTTP+SSE: the stream, and the connection that requests go on.
    async fn open_stream(&mut self) -> Result<(), NotSetUp> {
        let opening = self.opening()?;
        self.ear.reader = Reader::stream(Reply::new(http::Limits::default()));
        self.ear.pipe.write_all(&opening).await?;
        let path = loop {
            match self.ear.hear().await {
                Heard::Endpoint(path) => break path,
                Heard::Answer { .. } => {}
                Heard::Response { .. } | Heard::Close(_) | Heard::Closed => return Err(NotSetUp),
            }
        };
        let there = self.scene.home.endpoint.join(path.trim())?;
        if there.origin() != self.scene.home.endpoint.origin() {
            return Err(NotSetUp);
        }
        self.post_to = there;
        self.posts = Some(Ear::new(connect(self.scene).await?, exchange()));
        Ok(())
    }

    fn render_head(&self) -> Result<PostHead, http::HeadError> {
        let dialect = &self.scene.home.dialect;
        let revision = dialect
            .has_version_header()
            .then(|| dialect.revision.as_str());
        // `initialize` settles the revision, and opens the session.
        let is_begun = dialect.era == Era::Modern || self.head.is_some();
        PostHead::new(
            &self.post_to,
            &self.scene.head_options(),
            revision.filter(|_| is_begun),
            self.session.as_deref(),
        )
    }

    async fn shake_hands(&mut self) -> Result<(), NotSetUp> {
        let text = |text, method: &str| Message {
            text,
            method: method.to_owned(),
        };
        let (revision, client) = (self.scene.home.dialect.revision, ClientInfo::default());
        let hello = text(initialize(HANDSHAKE, revision, &client), "initialize");
        let thanks = text(initialized(), "notifications/initialized");
        let bytes = self.wrap(&hello);
        self.say(&bytes).await?;
        if self.scene.home.transport != Transport::Http {
            if self.came(Some(HANDSHAKE)).await != Came::Result {
                return Err(NotSetUp);
            }
            let bytes = self.wrap(&thanks);
            return Ok(self.say(&bytes).await?);
        }
        self.settle_session().await?;
        let bytes = self.wrap(&thanks);
        self.say(&bytes).await?;
        match self.ear.hear().await {
            Heard::Response { reusable, .. } if !reusable => self.reconnect().await,
            Heard::Response { .. } => Ok(()),
            _ => self.reconnect().await,
        }
    }

    /// Streamable HTTP: the answer to `initialize` says which session this is.
    async fn settle_session(&mut self) -> Result<(), NotSetUp> {
        loop {
            match self.ear.hear().await {
                Heard::Response {
                    came: Came::Result,
                    session,
                    reusable,
                } => {
                    self.session = session;
                    self.head = Some(self.render_head()?);
                    return match reusable {
                        true => Ok(()),
                        false => self.reconnect().await,
                    };
                }
                Heard::Answer { .. } => {}
                _ => return Err(NotSetUp),
            }
        }
    }

    async fn reconnect(&mut self) -> Result<(), NotSetUp> {
        self.ear = Ear::new(connect(self.scene).await?, exchange());
        Ok(())
    }

    /// One more connection of the same session, over HTTP.
    pub async fn sibling(&self) -> Result<Ear, NotSetUp> {
        let connecting = tokio::time::timeout(self.scene.timeout, connect(self.scene));
        Ok(Ear::new(connecting.await??, exchange()))
    }

    fn post(&self, head: &PostHead, message: &Message) -> Vec<u8> {
        let mut bytes = self.post_head(head, message, message.text.len());
        bytes.extend_from_slice(&message.text);
        bytes
    }

    fn post_head(&self, head: &PostHead, message: &Message, length: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        let routing = Routing {
            method: &message.method,
            ..Routing::default()
        };
        let is_modern = self.scene.home.dialect.era == Era::Modern;
        head.write(is_modern.then_some(routing), length, &mut bytes);
        bytes
    }

    /// A message with all that its transport puts around it.
    pub fn wrap(&self, message: &Message) -> Vec<u8> {
        if let Some(head) = &self.head {
            return self.post(head, message);
        }
        let mut bytes = Vec::new();
        match self.scene.home.transport {
            Transport::Ws => {
                let end: &[u8] = match self.scene.plan.append_newline {
                    true => b"\n",
                    false => b"",
                };
                let mask = (record::random() as u32).to_ne_bytes();
                write_text(&mut bytes, mask, &[&message.text, end]);
            }
            _ => {
                bytes.extend_from_slice(&message.text);
                bytes.push(b'\n');
            }
        }
        bytes
    }

    /// What stands in front of a message of so many bytes, and behind it. Its own bytes may then go out as they are.
    pub fn around(&self, message: &Message, length: usize) -> (Vec<u8>, &'static [u8]) {
        if let Some(head) = &self.head {
            return (self.post_head(head, message, length), b"");
        }
        match (self.scene.home.transport, self.scene.plan.append_newline) {
            (Transport::Ws, newline) => {
                // The last of the text frames' lengths (RFC 6455, 5.2); a mask of zeros changes nothing.
                let mut front = vec![0x81, 0x80 | 127];
                front.extend((length as u64 + u64::from(newline)).to_be_bytes());
                front.extend([0; 4]);
                (front, if newline { b"\n" } else { b"" })
            }
            _ => (Vec::new(), b"\n"),
        }
    }

    /// Where requests are written.
    pub fn mouth(&mut self) -> &mut Ear {
        self.posts.as_mut().unwrap_or(&mut self.ear)
    }

    /// Writes bytes where requests go.
    pub async fn say(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.mouth().pipe.write_all(bytes).await
    }

    /// The first thing that comes for a request with this id, or at all.
    pub async fn came(&mut self, id: Option<u64>) -> Came {
        loop {
            let heard = match &mut self.posts {
                None => self.ear.hear().await,
                Some(posts) => tokio::select! {
                    heard = self.ear.hear() => heard,
                    heard = posts.hear() => match heard {
                        // It was taken; the answer comes on the stream.
                        Heard::Response { came: Came::Nonsense, .. } => continue,
                        other => other,
                    },
                },
            };
            match heard {
                Heard::Answer { id: got, came } if got.is_none() || got == id || id.is_none() => {
                    return came;
                }
                Heard::Answer { .. } | Heard::Endpoint(_) => {}
                Heard::Response { came, .. } => return came,
                Heard::Close(code) => return Came::CloseFrame(code),
                Heard::Closed => return Came::Closed,
            }
        }
    }

    /// Drops the connections, as a client that dies does. The session is known all the same.
    pub fn hang_up(&mut self) {
        self.posts = None;
        self.ear.pipe.abort();
    }

    /// Ends a session, so that servers need not keep it.
    pub async fn leave(self) {
        let Some(session) = self.session else {
            return;
        };
        let dialect: &Dialect = &self.scene.home.dialect;
        let revision = dialect
            .has_version_header()
            .then(|| dialect.revision.as_str());
        let options = self.scene.head_options();
        let Ok(goodbye) = delete_head(&self.post_to, &options, revision, &session) else {
            return;
        };
        let said = async {
            let mut ear = Ear::new(connect(self.scene).await?, exchange());
            ear.pipe.write_all(&goodbye).await?;
            ear.hear().await;
            Ok::<(), NotSetUp>(())
        };
        let _ = tokio::time::timeout(GOODBYE, said).await;
    }
}

async fn connect(scene: &Scene) -> io::Result<Pipe> {
    Pipe::open(&scene.plan, &scene.home, scene.tls.as_ref(), scene.dice).await
}

fn exchange() -> Reader {
    Reader::exchange(Reply::new(http::Limits::default()))
}
