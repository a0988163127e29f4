//! Notifications: what they are, and what time has passed since what they tell of.

use super::call::Call;
use super::conn::Job;
use super::worker::Worker;
use crate::heard::Kind;
use crate::menu::read_token;
use crate::tally::count;
use serde::Deserialize;
use serde_json::value::RawValue;

/// Of so many calls of a client the last progress is remembered.
const MAX_PROGRESS: usize = 1_024;

/// What we look at in a notification; whatever else stands there is ignored.
#[derive(Default, Deserialize)]
struct Told<'a> {
    #[serde(borrow, default)]
    params: Params<'a>,
}

#[derive(Default, Deserialize)]
struct Params<'a> {
    #[serde(borrow, default, rename = "_meta")]
    meta: Meta<'a>,
    #[serde(borrow, default, rename = "progressToken")]
    token: Option<&'a RawValue>,
    #[serde(borrow, default)]
    notifications: Accepted<'a>,
}

#[derive(Default, Deserialize)]
struct Meta<'a> {
    /// Unix time of the change in microseconds.
    #[serde(borrow, default, rename = "mcpipe/changed_us")]
    changed_us: Option<&'a RawValue>,
    /// The same on CLOCK_MONOTONIC, which counts where the server runs on this machine.
    #[serde(borrow, default, rename = "mcpipe/changed_mono_us")]
    changed_mono_us: Option<&'a RawValue>,
    #[serde(borrow, default, rename = "io.modelcontextprotocol/subscriptionId")]
    subscription: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
struct Accepted<'a> {
    #[serde(borrow, default, rename = "resourceSubscriptions")]
    resources: Vec<&'a RawValue>,
}

fn number(json: Option<&RawValue>) -> Option<u64> {
    json?.get().parse().ok()
}

impl Worker {
    /// A notification came on a connection.
    pub(super) fn hear(&mut self, conn: usize, method: &str, message: &[u8], now: u64) {
        let Some(c) = self.conns[conn].as_ref().map(|state| state.client) else {
            return;
        };
        let kind = Kind::of(method);
        if ![Kind::UPDATED, Kind::PROGRESS, Kind::ACKNOWLEDGED].contains(&kind) {
            return self.heard_by(c, now).note(kind);
        }
        let told: Told<'_> = serde_json::from_slice(message).unwrap_or_default();
        let Params {
            meta,
            token,
            notifications,
        } = told.params;
        match kind {
            Kind::PROGRESS => return self.hear_progress(c, token, now),
            Kind::ACKNOWLEDGED => {
                if let Some(id) = number(meta.subscription) {
                    self.acknowledged(c, id, notifications.resources.len() as u64, now);
                }
            }
            _ => self.hear_update(c, &meta, now),
        }
        self.heard_by(c, now).note(kind);
    }

    fn hear_update(&mut self, c: usize, meta: &Meta<'_>, now: u64) {
        let unix = number(meta.changed_us).map(|us| self.plan.unix_us(now).saturating_sub(us));
        let mono = number(meta.changed_mono_us).map(|us| (now / 1_000).saturating_sub(us));
        // Another machine's CLOCK_MONOTONIC is another clock: then Unix time alone connects us.
        let age_us = match (mono, unix) {
            (Some(mono), Some(unix)) if mono.abs_diff(unix) > 1_000_000 => Some(unix),
            (mono, unix) => mono.or(unix),
        };
        let ear = self.clients[c].ear.as_mut();
        let before = ear.map_or(0, |ear| std::mem::replace(&mut ear.updated_ns, now));
        let heard = self.heard_by(c, now);
        if let Some(us) = age_us {
            count(&mut heard.notification, us.saturating_mul(1_000));
        }
        if before > 0 {
            count(&mut heard.notification_gap, now.saturating_sub(before));
        }
    }

    fn hear_progress(&mut self, c: usize, token: Option<&RawValue>, now: u64) {
        let token: Option<&str> = token.and_then(|t| serde_json::from_str(t.get()).ok());
        let own = token
            .and_then(read_token)
            .filter(|(client, _)| *client == self.clients[c].number);
        let Some(call) = own.and_then(|(_, index)| self.call_of_index(c, index)) else {
            let heard = self.heard_by(c, now);
            heard.note(Kind::PROGRESS);
            return heard.unknown_progress += 1;
        };
        let ear = self.clients[c].ear.get_or_insert_default();
        let place = ear
            .progress
            .iter()
            .rposition(|(index, _)| *index == call.index);
        let before = place.and_then(|at| ear.progress.remove(at));
        if ear.progress.len() == MAX_PROGRESS {
            ear.progress.pop_front();
        }
        ear.progress.push_back((call.index, now));
        let key = self.key_of(&call);
        let heard = self.book.cell(key).heard();
        heard.note(Kind::PROGRESS);
        if let Some((_, before)) = before {
            count(&mut heard.progress_gap, now.saturating_sub(before));
        }
    }

    /// The call in flight with this index of its client.
    fn call_of_index(&self, c: usize, index: u64) -> Option<Call> {
        let conns = self.clients[c].conns.iter();
        let mut states = conns.filter_map(|&conn| self.conns[conn].as_ref());
        states.find_map(|state| match &state.job {
            Job::Call(call, None) if call.index == index => Some(*call),
            _ => state.calls.iter().find(|call| call.index == index).copied(),
        })
    }
}
