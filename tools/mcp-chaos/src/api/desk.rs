//! The desk: who may ask, what is asked, and the answer to it.

use super::address::Find;
use super::asked::Asked;
use super::carrier::Carrier;
use super::refusal::Refusal;
use super::state::State;
use super::told::Told;
use control::{Answer, Callers, Request};
use std::sync::{Mutex, PoisonError};

/// What requests are answered from.
pub struct Desk {
    callers: Callers,
    find: Find,
    state: Mutex<State>,
    tell: Box<dyn Fn(Told) + Send + Sync>,
}

impl Desk {
    /// A desk with nothing put in yet.
    pub fn new(
        callers: Callers,
        carrier: Carrier,
        seed: u64,
        tell: impl Fn(Told) + Send + Sync + 'static,
    ) -> Self {
        Self {
            callers,
            find: carrier.find(),
            state: Mutex::new(State::new(carrier, seed)),
            tell: Box::new(tell),
        }
    }

    /// The answer to a request.
    pub fn answer(&self, request: &Request) -> Answer {
        self.serve(request)
            .unwrap_or_else(|refusal| refusal.answer())
    }

    fn serve(&self, request: &Request) -> Result<Answer, Refusal> {
        // As Toxiproxy does: a page in a browser can send some requests without being asked for its origin.
        if request.agent.starts_with("Mozilla/") {
            return Err(Refusal::new(
                403,
                "user agent not allowed: browsers may not use this API",
            ));
        }
        let may = self.callers.may(request);
        may.map_err(|(status, text)| Refusal::new(status, text))?;
        let asked = Asked::read(request, self.find)?;
        self.with_state(|state| state.carry_out(asked))
    }

    /// Takes back all that was put in.
    pub fn wind_down(&self) {
        self.with_state(State::wind_down);
    }

    /// What happens is told in the order in which it happens, so while nobody else has the state.
    fn with_state<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let came = act(&mut state);
        for told in std::mem::take(&mut state.told) {
            (self.tell)(told);
        }
        came
    }
}
