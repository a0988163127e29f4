//! The gate between a tool and its launcher: one byte opens it, and may bring the socket to talk over.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::unix::net::UnixStream;

use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};

/// What the parent writes to open the gate.
const OPEN: u8 = b'o';

/// Opens the gate; `stdio` becomes stdin and stdout of what stands behind it.
pub(crate) fn open(gate: &UnixStream, stdio: Option<BorrowedFd<'_>>) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut with = SendAncillaryBuffer::new(&mut space);
    let fds: Vec<BorrowedFd<'_>> = stdio.into_iter().collect();
    if !fds.is_empty() {
        with.push(SendAncillaryMessage::ScmRights(&fds));
    }
    sendmsg(
        gate,
        &[IoSlice::new(&[OPEN])],
        &mut with,
        SendFlags::NOSIGNAL,
    )?;
    Ok(())
}

/// Waits at the gate: `None` when it will never open, since the parent is gone.
pub(crate) fn wait(gate: impl AsFd) -> Option<Option<OwnedFd>> {
    let mut byte = [0_u8];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut with = RecvAncillaryBuffer::new(&mut space);
    let mut buffer = [IoSliceMut::new(&mut byte)];
    let received = loop {
        match recvmsg(&gate, &mut buffer, &mut with, RecvFlags::CMSG_CLOEXEC) {
            Err(rustix::io::Errno::INTR) => {}
            result => break result.ok()?,
        }
    };
    let stdio = with.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut fds) => fds.next(),
        _ => None,
    });
    (received.bytes == 1 && byte[0] == OPEN).then_some(stdio)
}
