//! What a server says about itself in SETTINGS (RFC 9113, 6.5).

use super::Broken;

/// The settings of a peer that matter to who sends requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How much memory it keeps for the headers that we send again and again, in bytes.
    pub header_table_bytes: u32,
    /// How many streams it takes at a time; `u32::MAX` where it sets no limit.
    pub max_streams: u32,
    /// How many bytes of a body it takes on a new stream before it asks for more.
    pub initial_window: u32,
    /// The longest payload of a frame that it takes.
    pub max_frame_bytes: u32,
}

impl Default for Settings {
    /// What holds before a peer has said anything.
    fn default() -> Self {
        Self {
            header_table_bytes: 4_096,
            max_streams: u32::MAX,
            initial_window: 65_535,
            max_frame_bytes: 16_384,
        }
    }
}

impl Settings {
    /// Takes over what the payload of a SETTINGS frame changes. Unknown settings are to be ignored.
    pub(super) fn update(&mut self, payload: &[u8]) -> Result<(), Broken> {
        if !payload.len().is_multiple_of(6) {
            return Err(Broken::BadFrame("SETTINGS"));
        }
        for setting in payload.chunks_exact(6) {
            let value = u32::from_be_bytes([setting[2], setting[3], setting[4], setting[5]]);
            match u16::from_be_bytes([setting[0], setting[1]]) {
                0x1 => self.header_table_bytes = value,
                // A server must not say that it takes pushes.
                0x2 if value != 0 => return Err(Broken::BadSetting("ENABLE_PUSH")),
                0x3 => self.max_streams = value,
                0x4 if value > 0x7fff_ffff => {
                    return Err(Broken::BadSetting("INITIAL_WINDOW_SIZE"));
                }
                0x4 => self.initial_window = value,
                0x5 if !(16_384..1 << 24).contains(&value) => {
                    return Err(Broken::BadSetting("MAX_FRAME_SIZE"));
                }
                0x5 => self.max_frame_bytes = value,
                _ => {}
            }
        }
        Ok(())
    }
}
