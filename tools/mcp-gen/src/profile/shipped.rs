//! The profiles that are built in. Clients and rates are those of the erlmcp test kit, whose users look for these names.

const ALL: [(&str, &str); 5] = [
    ("normal", include_str!("../../profiles/normal.toml")),
    ("high-load", include_str!("../../profiles/high-load.toml")),
    ("low-load", include_str!("../../profiles/low-load.toml")),
    (
        "slow-client",
        include_str!("../../profiles/slow-client.toml"),
    ),
    (
        "message-bomber",
        include_str!("../../profiles/message-bomber.toml"),
    ),
];

/// The TOML of a profile that is built in.
#[must_use]
pub fn shipped(name: &str) -> Option<&'static str> {
    ALL.iter().find(|(n, _)| *n == name).map(|(_, text)| *text)
}

/// All names, in the order in which they are told.
pub fn all() -> impl Iterator<Item = &'static str> {
    ALL.iter().map(|(name, _)| *name)
}

/// The names, for messages.
#[must_use]
pub fn names() -> String {
    all().collect::<Vec<_>>().join(", ")
}
