//! Toxiproxy's API beside the plan: what its clients begin and end is told as every fault is.

use super::{Director, Happening};
use crate::api::{Api, Place, Told};
use crate::cli::RunArgs;
use crate::path::Path;
use std::sync::mpsc::Sender;

/// Serves the API, where one is wanted.
pub(super) fn open(
    args: &RunArgs,
    path: Option<&Path>,
    seed: u64,
    tell: &Sender<Happening>,
) -> Result<Option<Api>, String> {
    let (Some(address), Some(path)) = (args.api, path) else {
        return Ok(None);
    };
    let place = Place::new(address, args.api_token_file.as_deref())?;
    let (proxies, tell) = (path.proxies().clone(), tell.clone());
    let tell = move |told| drop(tell.send(Happening::Api(told)));
    Api::serve(place, proxies, seed, tell).map(Some)
}

impl Director {
    /// Says where it is.
    pub(super) fn tell_api(&mut self) {
        let Some(api) = &self.api else {
            return;
        };
        let event = api.event();
        if let Some(text) = &event.text {
            self.say.note(text);
        }
        self.write(event);
    }

    /// A fault began or ended.
    pub(super) fn told_by_api(&mut self, told: Told) {
        let record = told.record(self.instants.t0_us());
        match record.state.as_str() {
            "began" => self.note_begin(&record),
            _ => self
                .say
                .note(&format!("{} ended: {}", record.id, record.kind)),
        }
        self.write(record);
    }

    /// All that was told by now, at the end: nobody else is listened to any more.
    pub(super) fn hear_api_out(&mut self) {
        let rest: Vec<Happening> = self.told.try_iter().collect();
        for happening in rest {
            if let Happening::Api(told) = happening {
                self.told_by_api(told);
            }
        }
    }
}
