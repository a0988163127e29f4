//! Cookies: each client keeps those of its origin, and sends them with all that it asks from then on.

use super::worker::Worker;
use crate::home::Home;
use protocol::http::{HeadOptions, PostHead};

impl Worker {
    /// What a client adds to the heads of its requests.
    pub(super) fn head_options<'a>(&'a self, c: usize, home: &'a Home) -> HeadOptions<'a> {
        let own = self.clients[c].headers.as_deref();
        HeadOptions {
            host_header: home.host_header.as_deref(),
            headers: own.unwrap_or(&self.headers),
        }
    }

    /// The server has given a client cookies.
    pub(super) fn take_cookies(&mut self, conn: usize, set: &[String]) {
        let Some(c) = self.conns[conn]
            .as_ref()
            .filter(|s| !s.retired)
            .map(|s| s.client)
        else {
            return;
        };
        let home = self.server_of(c);
        let now_s = record::clock::unix_us() / 1_000_000;
        let mut changed = false;
        for cookie in set {
            let jar = self.clients[c].jar.get_or_insert_default();
            changed |= jar.take(cookie, &home.endpoint, now_s);
        }
        if changed {
            self.send_cookies(c, &home);
        }
    }

    /// Forgets the cookies of a client that are over.
    pub(super) fn expire_cookies(&mut self, c: usize) {
        if let Some(jar) = &mut self.clients[c].jar
            && jar.expire(record::clock::unix_us() / 1_000_000)
        {
            let home = self.server_of(c);
            self.send_cookies(c, &home);
        }
    }

    /// From now on a client sends the cookies that it has now.
    pub(super) fn send_cookies(&mut self, c: usize, home: &Home) {
        let is_given = |(name, _): &(String, String)| name.eq_ignore_ascii_case("cookie");
        if self.headers.iter().any(is_given) {
            // The user knows better.
            return;
        }
        let client = &mut self.clients[c];
        let to = client.post_to.as_ref().unwrap_or(&home.endpoint);
        let cookies = client.jar.as_ref().and_then(|jar| jar.header(to));
        client.headers = cookies.map(|cookies| {
            let mut headers = self.headers.to_vec();
            headers.push(("Cookie".to_owned(), cookies));
            headers
        });
        if client.head.is_some()
            && let Ok(head) = self.render_head(c, home)
        {
            self.clients[c].head = Some(head);
        }
    }

    /// The head of a client's requests in the session that it has.
    pub(super) fn render_head(&self, c: usize, home: &Home) -> Result<PostHead, String> {
        let client = &self.clients[c];
        let revision = home.dialect.has_version_header();
        PostHead::new(
            client.post_to.as_ref().unwrap_or(&home.endpoint),
            &self.head_options(c, home),
            revision.then(|| home.dialect.revision.as_str()),
            client.session_id.as_deref(),
        )
        .map_err(|e| e.to_string())
    }

    /// A client has moved, and cookies are for their origin only.
    pub(super) fn forget_cookies(&mut self, c: usize) {
        let client = &mut self.clients[c];
        (client.jar, client.headers, client.post_to) = (None, None, None);
    }
}
