//! The labels of a gate: which calls it is about.

use super::figure::{Figure, Unit};

/// All that a gate can be narrowed to.
pub const LABELS: &str = "method, tool, stage, profile, class, target, and of faults fault, kind";

/// Which calls a gate is about; `None` means all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Labels {
    pub method: Option<String>,
    pub tool: Option<String>,
    pub stage: Option<String>,
    pub profile: Option<String>,
    pub class: Option<String>,
    pub target: Option<String>,
    pub fault: Option<String>,
    pub kind: Option<String>,
}

impl Labels {
    /// Sets a label; says why it cannot be set.
    pub fn set(&mut self, figure: Figure, name: &str, value: String) -> Result<(), String> {
        if figure == Figure::Knee {
            return Err(
                "knee has no labels: it is of the whole load, as in 'knee < 1000/s'".into(),
            );
        }
        if let Figure::Audit(_) = figure {
            return Err(
                "an audit has no labels: it is of the whole load, as in 'executed_twice > 0'"
                    .into(),
            );
        }
        if let Figure::AbuseWrong | Figure::AbuseRight = figure {
            return Err(
                "abuse has no labels: it is of the whole load, as in 'abuse_wrong > 0'".into(),
            );
        }
        if let Figure::Fault(_) = figure
            && !["fault", "kind"].contains(&name)
        {
            return Err(format!(
                "{name:?} is no label of what faults did; those are fault and kind, as in recovery_time{{fault=\"f1\"}} > 5s"
            ));
        }
        let slot = match name {
            "fault" | "kind" if !matches!(figure, Figure::Fault(_)) => {
                return Err(format!(
                    "{name} is a label of what faults did only, as in recovery_time{{{name}=\"…\"}} > 5s"
                ));
            }
            "fault" => &mut self.fault,
            "kind" => &mut self.kind,
            "method" => &mut self.method,
            "tool" => &mut self.tool,
            "stage" => &mut self.stage,
            "profile" => &mut self.profile,
            "class" if figure == Figure::Errors => {
                if !crate::outcome::CLASSES.contains(&value.as_str()) {
                    let known = crate::outcome::CLASSES.join(", ");
                    return Err(format!("there is no class {value:?}; there are {known}"));
                }
                &mut self.class
            }
            "class" => {
                return Err(
                    "class is a label of errors only, as in errors{class=\"timeout\"} > 10".into(),
                );
            }
            "target" if figure.unit() == Unit::Latency => {
                return Err("target is no label of latencies, which are added up over all targets; counts, rates and shares know it, as in error_rate{target=\"local-1\"} > 1%".into());
            }
            "target" => &mut self.target,
            _ => return Err(format!("there is no label {name:?}; there are {LABELS}")),
        };
        if slot.replace(value).is_some() {
            return Err(format!("{name} is given twice"));
        }
        Ok(())
    }
}
