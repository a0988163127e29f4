//! Plans: a fault of the command line, and a TOML file. A fault that is accepted has its windows and targets drawn, too.

use mcp_chaos::plan::{Fault, describe, file, spec};

/// Reads the bytes as both.
pub fn read(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    if let Ok(fault) = spec::parse(text) {
        draw(&fault);
    }
    if let Ok(plan) = file::parse("plan.toml", text) {
        plan.faults.iter().for_each(draw);
        assert!(!describe::plan(&plan, 7).is_empty());
    }
}

fn draw(fault: &Fault) {
    let mut before = 0;
    for window in fault.timing.windows(7, 1).take(100) {
        assert!(window.start_us >= before, "windows come in their order");
        before = window.start_us;
    }
    let names = ["local-1", "local-2", "local-3"];
    let chosen = fault.choice.of(&names, fault.kind.usual, 7, 1, 1);
    assert!(chosen.iter().all(|&place| place < names.len()));
}
