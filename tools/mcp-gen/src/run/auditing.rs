//! After the load, where `--audit` asks for it: the servers' files are read, while signals still count.

use super::{Halt, Run};
use crate::audit::{self, Order, Standing};
use crate::load::Load;
use record::Pen;
use record::kind::Audit;
use std::time::Duration;

/// Between two looks at the files.
const PAUSE: Duration = Duration::from_millis(20);

impl Run<'_> {
    /// What is to be audited. The servers have answered, so their files should be there.
    pub(super) fn audit_order(&mut self) -> Option<Order> {
        let identity = self.pen.as_ref().map(Pen::identity)?;
        let order = Order::new(&self.cli.audit, identity)?;
        if let Some(warning) = order.absent() {
            self.warn(warning);
        }
        Some(order)
    }

    /// Looks up which calls were executed. Who is in a hurry gets no judgement.
    pub(super) fn audit(&mut self, load: &mut Load<'_>, halt: &mut Option<Halt>) -> Option<Audit> {
        let mut auditor = load.auditor()?;
        let mut cut_short = matches!(halt, Some(Halt::ReaderLeft));
        while !cut_short && auditor.look() == Standing::Waits {
            let Ok(happening) = self.told.recv_timeout(PAUSE) else {
                continue;
            };
            if let Err(early) = self.handle(happening) {
                cut_short = true;
                if matches!(halt, None | Some(Halt::Stopped)) {
                    *halt = Some(early);
                }
            }
        }
        let audit = auditor.conclude(cut_short);
        self.say.note(&audit::sentence(&audit));
        for warning in audit::warnings(&audit) {
            self.warn(warning);
        }
        Some(audit)
    }
}
