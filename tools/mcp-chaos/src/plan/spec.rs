//! A fault as it is written on the command line: `KIND[:key=value,…]@START[+DURATION]`.

use super::Fault;
use super::choose::Choice;
use super::kind::{Kind, named};
use super::param::Params;
use super::timing::Timing;

/// A longer one is a mistake, or a file of its own.
const MAX_BYTES: usize = 4 * 1024;

/// What every fault understands besides its own parameters: which targets, and when.
pub const COMMON: [&str; 8] = [
    "replica", "count", "share", "name", "every", "times", "until", "ramp",
];

/// The parts of a fault, as texts; a plan file gives the same ones.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Draft {
    /// Its kind.
    pub kind: String,
    /// Keys and values, in the order in which they were given.
    pub pairs: Vec<(String, String)>,
    /// When it comes: `20s`, `10s..60s`, `traffic`, `steady+10s`.
    pub at: String,
    /// How long it stays, where that is said.
    pub length: Option<String>,
}

/// Reads one.
///
/// # Errors
/// A sentence with the way out, the fault's text in front.
pub fn parse(text: &str) -> Result<Fault, String> {
    if text.len() > MAX_BYTES {
        return Err(format!(
            "a fault of {} bytes: {MAX_BYTES} are the most; write it into a file (--plan)",
            text.len()
        ));
    }
    draft(text)
        .and_then(|draft| Fault::of(&draft))
        .map_err(|wrong| format!("{text}: {wrong}"))
}

fn draft(text: &str) -> Result<Draft, String> {
    let Some((what, when)) = text.rsplit_once('@') else {
        return Err(format!(
            "when? add @START, as in {text}@20s; {text}@20s+10s says for how long"
        ));
    };
    let (kind, pairs) = what.split_once(':').unwrap_or((what, ""));
    let pairs = pairs
        .split(',')
        .filter(|_| !pairs.is_empty())
        .map(|pair| match pair.split_once('=') {
            Some((key, value)) => Ok((key.trim().to_owned(), value.trim().to_owned())),
            None => Err(format!("{pair:?} is no key=value")),
        })
        .collect::<Result<_, _>>()?;
    // `20s+10s` is begin and length; behind a name, the first time is an offset: `steady+10s+5s`.
    let ats = 1 + usize::from(when.starts_with(|c: char| c.is_ascii_alphabetic()));
    let parts: Vec<&str> = when.splitn(ats + 1, '+').collect();
    let (at, length) = parts.split_at(parts.len().min(ats));
    Ok(Draft {
        kind: kind.trim().to_owned(),
        pairs,
        at: at.join("+"),
        length: length.first().map(|&length| length.to_owned()),
    })
}

impl Fault {
    /// Makes a fault of its parts.
    ///
    /// # Errors
    /// A sentence with the way out.
    pub fn of(draft: &Draft) -> Result<Self, String> {
        let kind: &'static Kind = named(&draft.kind)?;
        let mut timing = Timing::at(&draft.at)?;
        if let Some(length) = &draft.length {
            timing.set_length(length)?;
        }
        let mut choice = Choice::default();
        let mut own = Vec::new();
        for (key, value) in &draft.pairs {
            match key.as_str() {
                "replica" | "count" | "share" | "name" => choice.set(key, value)?,
                "every" | "times" | "until" | "ramp" => timing.set(key, value)?,
                _ => own.push((key.clone(), value.clone())),
            }
        }
        let params = Params::parse(kind.name, kind.params, &own)?;
        timing.check(kind)?;
        let action = (kind.build)(&params).map_err(|wrong| format!("{}: {wrong}", kind.name))?;
        Ok(Self {
            kind,
            action,
            params,
            choice,
            timing,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_has_a_kind_pairs_a_begin_and_a_length() {
        let draft = draft("cpu:load=50%,name=a@b,share=half@steady+10s+5s").unwrap();
        assert_eq!(draft.kind, "cpu");
        assert_eq!(draft.pairs[1], ("name".to_owned(), "a@b".to_owned()));
        assert_eq!(
            (draft.at.as_str(), draft.length.as_deref()),
            ("steady+10s", Some("5s"))
        );
        let draft = super::draft("kill@20s").unwrap();
        assert_eq!((draft.at.as_str(), draft.length), ("20s", None));
        for good in [
            "kill@20s",
            "pause:count=2@40s+10s",
            "kill:every=10s@5s",
            "pause@traffic+5s",
            "pause@10s..60s+2s..5s",
            "cpu:load=80%,ramp=5s@10s+20s",
            "memory:size=64MiB@1s+1s",
            "restart:grace=1s,replica=2@3s",
        ] {
            assert!(parse(good).is_ok(), "{good}: {:?}", parse(good).err());
        }
    }

    #[test]
    fn what_is_wrong_is_told_with_the_faults_text_and_the_way_out() {
        for (bad, words) in [
            ("kill", "kill@20s"),
            ("slay@20s", "there are kill"),
            ("kill@soon!", "@20s"),
            ("kill:now@20s", "no key=value"),
            ("kill:force=1@20s", "signal"),
            ("pause@20s+0s", "more than 0 s"),
            ("pause@20s+10s+10s", "write 250ms"),
            ("kill:replica=0@20s", "from 1 to 10000"),
            ("cpu:load=300%@1s", "share"),
        ] {
            let wrong = parse(bad).unwrap_err();
            assert!(wrong.starts_with(bad) && wrong.contains(words), "{wrong}");
        }
        assert!(parse(&"x".repeat(5_000)).unwrap_err().contains("--plan"));
    }

    /// Whatever is written: a sentence or a fault, never a panic or a hang. The dice are seeded.
    #[test]
    fn no_text_makes_the_parser_panic() {
        let good = "cpu:load=50%,share=half,every=10s..20s,times=3@steady+10s..30s+1s";
        let alphabet: Vec<char> = "kilpausecpu:=,@+.%*0123456789smh-_\u{e9}\u{0} "
            .chars()
            .collect();
        for n in 0..20_000_u64 {
            let mut text: Vec<char> = good.chars().collect();
            for k in 0..=(n % 6) {
                let throw = crate::dice::throw(11, n, k);
                let at = (throw >> 8) as usize % text.len().max(1);
                let letter = alphabet[(throw >> 32) as usize % alphabet.len()];
                match throw % 4 {
                    0 if text.len() > 1 => drop(text.remove(at)),
                    1 => text.insert(at, letter),
                    2 => text.truncate(at.max(1)),
                    _ => text[at] = letter,
                }
            }
            let text: String = text.into_iter().collect();
            if let Ok(fault) = parse(&text) {
                assert!(fault.timing.windows(n, 1).take(50).count() <= 50);
            }
        }
    }
}
