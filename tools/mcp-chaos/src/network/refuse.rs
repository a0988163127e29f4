//! `refuse`: the port is closed, as where a server has died: who connects is refused.

use super::{Does, Toxic, Way};
use crate::action::Action;
use crate::plan::kind::{Kind, Lasts, Level, Usual};
use crate::plan::param::{Param, Params, Unit};

/// The kind.
pub const KIND: Kind = Kind {
    name: "refuse",
    level: Level::Network,
    lasts: Lasts::Window,
    usual: Usual::One,
    ramps: false,
    params: PARAMS,
    help: "refuses new connections (ECONNREFUSED)",
    applies: "the proxy's port is closed; connections that there are: {existing}",
    undone_by: "the proxy, which listens again on the same port",
    build: |params| {
        Ok(Action::Network(Toxic {
            way: Way::Both,
            toxicity: 1.0,
            does: Does::Refuse(Existing::from_params(params)?),
        }))
    },
};

const PARAMS: &[Param] = &[Param {
    name: "existing",
    unit: Unit::Choice(&["keep", "reset"]),
    default: Some("keep"),
    help: "what becomes of connections that there are",
}];

/// What becomes of connections that there are when it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// They stay.
    Keep,
    /// They are reset (RST).
    Reset,
}

impl Existing {
    fn from_params(params: &Params) -> Result<Self, String> {
        Ok(match params.text("existing")? {
            "reset" => Self::Reset,
            _ => Self::Keep,
        })
    }
}
