//! Profiles: what a kind of client does, how often, and with how much payload.

/// What clients of one kind do.
#[derive(Clone, Copy, Debug)]
pub struct Profile {
    /// The name for `--profile`.
    pub name: &'static str,
    /// How many clients.
    pub clients: u32,
    /// Calls per second of each client.
    pub rate_per_s: f64,
    /// About how many bytes of arguments a call carries, where the server's schema leaves room.
    pub payload_bytes: usize,
    /// The methods and their weights.
    pub methods: &'static [(&'static str, u32)],
}

/// All that are built in. Clients and rates are those of the erlmcp test kit, whose users look for these names.
pub const PROFILES: &[Profile] = &[
    Profile {
        name: "normal",
        clients: 25,
        rate_per_s: 100.0,
        payload_bytes: 512,
        methods: &[
            ("tools/call", 2),
            ("resources/list", 1),
            ("resources/read", 1),
        ],
    },
    Profile {
        name: "high-load",
        clients: 50,
        rate_per_s: 1_000.0,
        payload_bytes: 2_048,
        methods: &[("tools/call", 2), ("resources/read", 1), ("prompts/get", 1)],
    },
    Profile {
        name: "low-load",
        clients: 10,
        rate_per_s: 10.0,
        payload_bytes: 256,
        methods: &[("tools/list", 1), ("resources/list", 1)],
    },
];

/// The profile of this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Profile> {
    PROFILES.iter().find(|p| p.name == name)
}

/// The names, for messages.
#[must_use]
pub fn names() -> String {
    PROFILES
        .iter()
        .map(|p| p.name)
        .collect::<Vec<_>>()
        .join(", ")
}
