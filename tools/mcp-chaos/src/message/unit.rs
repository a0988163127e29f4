//! The bytes of the unit under way in one direction: where they begin, and whether they were passed on already.

/// How much memory a connection keeps between units.
const KEPT_BYTES: usize = 16 * 1024;

/// What becomes of the bytes of a unit before it is whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Fate {
    /// They wait, since a fault may hit them.
    Hold,
    /// They pass as they come.
    #[default]
    Gone,
    /// They are thrown away: something else was passed in their place.
    Swallow,
}

/// A unit under way.
#[derive(Debug, Default)]
pub(super) struct Unit {
    pub(super) fate: Fate,
    /// Whether its text is wanted when it is whole.
    pub(super) keep: bool,
    /// All its bytes so far.
    pub(super) bytes: u64,
    begun: bool,
    /// Those that came before `start` of the present input.
    kept: Vec<u8>,
    start: usize,
    /// How many of `kept` came with earlier inputs.
    earlier: usize,
    /// Where it begins in the present input.
    begin: usize,
}

impl Unit {
    /// Another input has come.
    pub(super) fn arrive(&mut self) {
        self.earlier = self.kept.len();
        self.begin = 0;
        self.start = 0;
    }

    pub(super) const fn is_begun(&self) -> bool {
        self.begun
    }

    /// It begins at this place of the input.
    pub(super) fn begin(&mut self, at: usize, fate: Fate, keep: bool) {
        self.fate = fate;
        self.keep = keep;
        self.bytes = 0;
        self.begun = true;
        self.start = at;
        self.begin = at;
        self.earlier = 0;
    }

    /// Where it begins in the present input.
    pub(super) const fn begins_at(&self) -> usize {
        self.begin
    }

    /// All its bytes up to a place in the input.
    pub(super) fn so_far<'a>(&'a mut self, input: &'a [u8], at: usize) -> &'a [u8] {
        if self.kept.is_empty() {
            return &input[self.begin..at];
        }
        self.kept.extend_from_slice(&input[self.start..at]);
        self.start = at;
        &self.kept
    }

    /// The input is over, the unit is not.
    pub(super) fn pause(&mut self, input: &[u8]) {
        if self.keep {
            self.kept.extend_from_slice(&input[self.start..]);
        }
        self.arrive();
    }

    /// What came with earlier inputs and waits.
    pub(super) fn waiting(&self) -> &[u8] {
        match self.fate {
            Fate::Hold => &self.kept[..self.earlier.min(self.kept.len())],
            Fate::Gone | Fate::Swallow => &[],
        }
    }

    /// All that was kept, where the connection ends with it.
    pub(super) fn all(&self) -> &[u8] {
        &self.kept
    }

    /// It does not wait any more, and nobody will look at it.
    pub(super) fn let_go(&mut self, fate: Fate) {
        self.fate = fate;
        self.keep = false;
        self.kept.clear();
        self.kept.shrink_to(KEPT_BYTES);
    }

    pub(super) fn finish(&mut self) {
        self.begun = false;
        if !self.kept.is_empty() {
            self.kept.clear();
            self.kept.shrink_to(KEPT_BYTES);
        }
    }
}
