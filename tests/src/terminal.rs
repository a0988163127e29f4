//! A terminal of the test's own, whose Ctrl-C is the kernel's.

use std::fs::File;
use std::io::Write as _;
use std::os::fd::{AsRawFd as _, FromRawFd as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};

/// A pseudo-terminal: the person's end and the programs' end.
pub struct Terminal {
    person: File,
    programs: File,
}

impl Terminal {
    /// Opens one.
    ///
    /// # Panics
    /// Where the kernel has none left.
    #[must_use]
    pub fn open() -> Self {
        let (mut person, mut programs) = (0, 0);
        // SAFETY: openpty(3) writes the two descriptors and reads nothing through the null pointers.
        let opened = unsafe {
            libc::openpty(
                &raw mut person,
                &raw mut programs,
                std::ptr::null_mut(),
                std::ptr::null_mut(),
                std::ptr::null_mut(),
            )
        };
        assert_eq!(opened, 0, "{}", std::io::Error::last_os_error());
        for fd in [person, programs] {
            // SAFETY: the descriptor is open and ours; a terminal that stayed open in a child would never hang up.
            unsafe { libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC) };
        }
        // SAFETY: both were just opened, and nobody else owns them.
        unsafe {
            Self {
                person: File::from_raw_fd(person),
                programs: File::from_raw_fd(programs),
            }
        }
    }

    /// Makes the command the leader of a session with this terminal, its stdin included.
    ///
    /// # Panics
    /// Where the descriptor cannot be copied.
    pub fn lead(&self, command: &mut Command) {
        let stdin = self.programs.try_clone().expect("a spare descriptor");
        let fd = self.programs.as_raw_fd();
        command.stdin(Stdio::from(stdin));
        // SAFETY: setsid(2) and ioctl(2) are async-signal-safe, and the descriptor is open until exec.
        unsafe {
            command.pre_exec(move || {
                if libc::setsid() < 0 || libc::ioctl(fd, libc::TIOCSCTTY, 0) < 0 {
                    return Err(std::io::Error::last_os_error());
                }
                Ok(())
            });
        }
    }

    /// Presses Ctrl-C.
    ///
    /// # Panics
    /// Where the terminal is gone.
    pub fn press_ctrl_c(&self) {
        (&self.person).write_all(b"\x03").expect("an open terminal");
    }
}
